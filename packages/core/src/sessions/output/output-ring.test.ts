import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OutputRing, type OutputStream, RING_BYTES } from './output-ring.js'

interface Chunk {
  readonly stream: OutputStream
  readonly bytes: number
}

const chunk = fc.record({
  stream: fc.constantFrom<OutputStream>('stdout', 'stderr'),
  bytes: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0, max: 40 }) },
    { weight: 2, arbitrary: fc.integer({ min: 1_000, max: 40_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: RING_BYTES - 2, max: 2 * RING_BYTES + 2 }) },
  ),
})

/** Prints the chunks, each byte telling its place; gives back all bytes, and the stream of each. */
function fill(ring: OutputRing, chunks: readonly Chunk[]): { printed: Buffer; streams: Buffer } {
  const length = chunks.reduce((sum, { bytes }) => sum + bytes, 0)
  const printed = Buffer.from(Uint8Array.from({ length }, (_, i) => i * 31 + (i >> 8)))
  const streams = Buffer.alloc(length)
  let at = 0
  for (const { stream, bytes } of chunks) {
    if (stream === 'stderr') streams.fill(1, at, at + bytes)
    ring.append(stream, printed.subarray(at, at + bytes))
    at += bytes
  }
  return { printed, streams }
}

/** The rest of the ring, as `fill` gives it. */
function readAll(ring: OutputRing, maxBytes: number): { printed: Buffer; streams: Buffer } {
  const printed: Uint8Array[] = []
  const streams: Buffer[] = []
  let offset = ring.start
  for (let piece = ring.read(offset, maxBytes); piece; piece = ring.read(offset, maxBytes)) {
    expect(piece.offset).toBe(offset)
    expect(piece.data.length).toBeLessThanOrEqual(maxBytes)
    printed.push(piece.data)
    streams.push(Buffer.alloc(piece.data.length, piece.stream === 'stderr' ? 1 : 0))
    offset += piece.data.length
  }
  return { printed: Buffer.concat(printed), streams: Buffer.concat(streams) }
}

test('what is held is exactly the end of what was printed, whatever the pattern', () => {
  fc.assert(
    fc.property(
      fc.array(chunk, { maxLength: 30 }),
      fc.integer({ min: 1, max: 50_000 }),
      (chunks, maxBytes) => {
        const ring = new OutputRing()
        const { printed, streams } = fill(ring, chunks)
        expect(ring.end).toBe(printed.length)
        expect(ring.end - ring.start).toBeLessThanOrEqual(RING_BYTES)
        expect(ring.size).toBeLessThanOrEqual(RING_BYTES)
        const held = readAll(ring, Math.max(maxBytes, (ring.end - ring.start) >> 8))
        expect(held.printed.equals(printed.subarray(ring.start))).toBe(true)
        expect(held.streams.equals(streams.subarray(ring.start))).toBe(true)
      },
    ),
  )
})

test('everything is held until the ring is full', () => {
  const ring = new OutputRing()
  fill(ring, [
    { stream: 'stdout', bytes: 10 },
    { stream: 'stderr', bytes: RING_BYTES - 10 },
  ])
  expect(ring.start).toBe(0)
  ring.append('stdout', Buffer.from('x'))
  expect(ring.start).toBe(1)
})

test('memory follows what was printed', () => {
  const ring = new OutputRing()
  expect(ring.size).toBe(0)
  ring.append('stdout', Buffer.from('one line\n'))
  expect(ring.size).toBeLessThanOrEqual(4_096)
})

test('a target that alternates between the streams byte by byte costs bounded memory', () => {
  const ring = new OutputRing()
  for (let i = 0; i < 20_000; i += 1) ring.append(i % 2 === 0 ? 'stdout' : 'stderr', Buffer.from('x'))
  const pieces: number[] = []
  for (let at = ring.start; at < ring.end; at += 1) pieces.push(ring.read(at, 100)?.data.length ?? 0)
  expect(pieces.length).toBeLessThanOrEqual(2_048)
  expect(pieces.every((length) => length === 1)).toBe(true)
})

test('what has not come yet cannot be read', () => {
  const ring = new OutputRing()
  ring.append('stdout', Buffer.alloc(RING_BYTES + 5))
  expect(ring.read(ring.end, 10)).toBeUndefined()
  expect(ring.read(ring.end + 10, 10)).toBeUndefined()
})
