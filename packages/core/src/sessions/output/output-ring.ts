import type { OutputChunk } from '../../model/krown-client.js'

export type OutputStream = OutputChunk['stream']

interface Segment {
  readonly stream: OutputStream
  readonly start: number
  end: number
}

/** Bytes of recent output that are held for readers. */
export const RING_BYTES = 128 * 1024

// Most commands print a few lines, and ten thousand that have ended are kept.
const FIRST_CAPACITY = 512

/** Changes of the stream that are held: one byte of each in turn would otherwise cost a hundred times its size. */
export const RING_PIECES = 2_048

/** The most recent output of one channel, both streams in the order of arrival, addressed by offset. */
export class OutputRing {
  // Allocated on the first byte and grown with what is printed: most commands print little.
  #bytes = Buffer.alloc(0)
  #segments: Segment[] = []
  #start = 0
  #end = 0

  /** Offset of the oldest byte still held. */
  get start(): number {
    return this.#start
  }

  /** Offset after the newest byte. */
  get end(): number {
    return this.#end
  }

  /** Bytes of memory it takes. */
  get size(): number {
    return this.#bytes.length
  }

  append(stream: OutputStream, chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#grow(this.#end + chunk.length)
    this.#copyIn(chunk)
    const last = this.#segments.at(-1)
    if (last?.stream === stream) last.end += chunk.length
    else this.#segments.push({ stream, start: this.#end, end: this.#end + chunk.length })
    this.#end += chunk.length
    this.#start = Math.max(this.#start, this.#end - RING_BYTES)
    this.#dropOld()
  }

  /** The next piece of one stream at `offset`, at most `maxBytes`; undefined at the end. Never before `start`. */
  read(offset: number, maxBytes: number): (OutputChunk & { readonly data: Buffer }) | undefined {
    const segment = this.#segments[this.#indexOf(offset)]
    if (!segment || offset < segment.start) return undefined
    const data = this.#copyOut(offset, Math.min(segment.end, offset + maxBytes))
    return { stream: segment.stream, offset, data }
  }

  /** Pieces from `offset` on, each of one stream: they are bounded as the bytes are. */
  piecesAfter(offset: number): number {
    return this.#segments.length - this.#indexOf(offset)
  }

  /** The first segment that ends after `offset`. */
  #indexOf(offset: number): number {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#segments[middle]?.end ?? 0) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  // While it grows nothing was dropped yet, so what it holds lies in one piece from the start.
  #grow(needed: number): void {
    if (needed <= this.#bytes.length || this.#bytes.length === RING_BYTES) return
    let capacity = Math.max(FIRST_CAPACITY, this.#bytes.length)
    while (capacity < needed && capacity < RING_BYTES) capacity *= 2
    const larger = Buffer.allocUnsafeSlow(capacity)
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
  }

  // Only the end of a chunk larger than the ring can be held.
  #copyIn(chunk: Buffer): void {
    const capacity = this.#bytes.length
    const skipped = Math.max(0, chunk.length - capacity)
    const at = (this.#end + skipped) % capacity
    const untilEdge = Math.min(chunk.length - skipped, capacity - at)
    chunk.copy(this.#bytes, at, skipped, skipped + untilEdge)
    chunk.copy(this.#bytes, 0, skipped + untilEdge)
  }

  #copyOut(from: number, to: number): Buffer {
    const out = Buffer.allocUnsafe(to - from)
    const at = from % this.#bytes.length
    const untilEdge = Math.min(out.length, this.#bytes.length - at)
    this.#bytes.copy(out, 0, at, at + untilEdge)
    this.#bytes.copy(out, untilEdge, 0, out.length - untilEdge)
    return out
  }

  #dropOld(): void {
    let gone = Math.max(0, this.#segments.length - RING_PIECES)
    while ((this.#segments[gone]?.end ?? this.#end) <= this.#start && gone < this.#segments.length) gone += 1
    if (gone === 0) return
    this.#segments.splice(0, gone)
    this.#start = Math.max(this.#start, this.#segments[0]?.start ?? this.#end)
  }
}
