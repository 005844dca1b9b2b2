import type { OutputChunk } from '../../model/krown-client.js'

export type OutputStream = OutputChunk['stream']

interface Segment {
  readonly stream: OutputStream
  readonly start: number
  end: number
}

/** Bytes of recent output that are held for readers, unless more is allowed. */
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
  #capacity = RING_BYTES

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

  /** Bytes that it holds at most. */
  get capacity(): number {
    return this.#capacity
  }

  /** From now on it may hold so many more. */
  widen(bytes: number): void {
    this.#capacity += bytes
  }

  append(stream: OutputStream, chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#grow(this.#end + chunk.length - this.#start)
    this.#copyIn(chunk)
    const last = this.#segments.at(-1)
    if (last?.stream === stream) last.end += chunk.length
    else this.#segments.push({ stream, start: this.#end, end: this.#end + chunk.length })
    this.#end += chunk.length
    this.#start = Math.max(this.#start, this.#end - this.#capacity)
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

  #grow(needed: number): void {
    const size = this.#bytes.length
    if (needed <= size || size === this.#capacity) return
    let larger = Math.max(FIRST_CAPACITY, size)
    while (larger < needed && larger < this.#capacity) larger *= 2
    const held = this.#copyOut(this.#start, this.#end)
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(larger, this.#capacity))
    this.#place(held, this.#start)
  }

  // Only the end of a chunk larger than the ring can be held.
  #copyIn(chunk: Buffer): void {
    const skipped = Math.max(0, chunk.length - this.#bytes.length)
    this.#place(chunk.subarray(skipped), this.#end + skipped)
  }

  #place(data: Buffer, offset: number): void {
    const at = offset % this.#bytes.length
    const copied = data.copy(this.#bytes, at)
    data.copy(this.#bytes, 0, copied)
  }

  #copyOut(from: number, to: number): Buffer {
    const out = Buffer.allocUnsafe(to - from)
    if (out.length === 0) return out
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
