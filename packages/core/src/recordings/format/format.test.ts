import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newId } from '../../base/ids.js'
import { FrameCipher } from './frame-cipher.js'
import {
  decodeRecords,
  encodeRecords,
  RECORD_KINDS,
  type RecordingRecord,
  type RecordKind,
} from './record.js'
import { TimeIndex } from './time-index.js'
import { readVarint, varintLength, writeVarint } from './varint.js'

test('a number is read as it was written, and one that does not end is none', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat(5), (value, at) => {
      const bytes = Buffer.alloc(20, 0xff)
      const next = writeVarint(bytes, at, value)
      expect(next).toBe(at + varintLength(value))
      expect(readVarint(bytes, at)).toEqual({ value, next })
      expect(readVarint(bytes.subarray(0, next - 1), at)).toBeUndefined()
    }),
  )
  expect(readVarint(Buffer.alloc(20, 0xff), 0)).toBeUndefined()
})

const record = fc.record({
  kind: fc.constantFrom(...(Object.keys(RECORD_KINDS) as RecordKind[])),
  deltaUs: fc.oneof(fc.nat(1_000), fc.integer({ min: 0, max: 2 ** 45 })),
  channel: fc.nat(100_000),
  data: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
})

const recordsSince = (sinceUs: number) =>
  fc.array(record, { maxLength: 20 }).map((parts) => {
    let timeUs = sinceUs
    return parts.map(({ deltaUs, ...rest }): RecordingRecord => {
      timeUs += deltaUs
      return { ...rest, timeUs }
    })
  })

describe('records', () => {
  test('are read as they were written', () => {
    fc.assert(
      fc.property(recordsSince(7), (records) => {
        const endUs = records.at(-1)?.timeUs ?? 7
        expect(decodeRecords(encodeRecords(records, 7), 7)).toEqual({ records, endUs })
      }),
    )
  })

  test('of a kind that is not known are passed over, and those around them keep their times', () => {
    const [one, two] = [1, 2].map((timeUs) =>
      encodeRecords([{ kind: 'stdout', timeUs, channel: 1, data: Buffer.from('x') }], timeUs - 1),
    )
    const unknown = Buffer.concat([one ?? Buffer.alloc(0), two ?? Buffer.alloc(0)])
    unknown[0] = 77
    expect(decodeRecords(unknown, 0)?.records).toMatchObject([{ timeUs: 2 }])
  })

  test('that are cut anywhere are none', () => {
    const plain = encodeRecords([{ kind: 'stdout', timeUs: 300, channel: 3, data: randomBytes(40) }], 0)
    for (let cut = 1; cut < plain.length; cut += 1)
      expect(decodeRecords(plain.subarray(0, cut), 0)).toBeUndefined()
  })
})

test('a frame opens as the frame it is, in its place, and as no other', () => {
  const ids = { recordingId: newId<never>(), orgId: newId<never>() }
  const key = randomBytes(32)
  const cipher = new FrameCipher(key, ids)
  const frame = { number: 5, final: false }
  const [, body = Buffer.alloc(0), tag = Buffer.alloc(0)] = cipher.seal(Buffer.from('secret'), frame)
  expect(cipher.open(body, tag, frame)?.toString()).toBe('secret')
  expect(cipher.open(body, tag, { ...frame, number: 6 })).toBeUndefined()
  expect(cipher.open(body, tag, { ...frame, final: true })).toBeUndefined()
  for (const other of [
    new FrameCipher(randomBytes(32), ids),
    new FrameCipher(key, { ...ids, orgId: newId() }),
    new FrameCipher(key, { ...ids, recordingId: newId() }),
  ])
    expect(other.open(body, tag, frame)).toBeUndefined()
})

test('the index of any number of frames stays small and leads to a place before the moment', () => {
  const index = new TimeIndex()
  const FRAMES = 100_000
  for (let frame = 0; frame < FRAMES; frame += 1)
    index.add({ frame, offset: frame * 100, sinceUs: frame * 1_000 })
  expect(index.encode().length).toBeLessThan(256 * 1024)
  const read = TimeIndex.decode(index.encode())
  expect(read?.find(0)).toBeUndefined()
  for (const timeUs of [1, 5_000_000, 99_999_999]) {
    const place = read?.find(timeUs)
    expect(place?.sinceUs).toBeLessThan(timeUs)
    expect(timeUs - (place?.sinceUs ?? 0)).toBeLessThanOrEqual(64 * 1_000)
    expect(place?.offset).toBe((place?.frame ?? 0) * 100)
  }
})
