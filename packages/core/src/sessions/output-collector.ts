import { isUtf8 } from 'node:buffer'
import type { OutputEncoding } from '../model/command.js'

const FIRST_CAPACITY = 1_024

export interface CollectedText {
  readonly text: string
  readonly encoding: OutputEncoding
}

/** Keeps the first `maxBytes` of one stream for the answer; its memory follows what was printed. */
export class OutputCollector {
  readonly #maxBytes: number
  #bytes = Buffer.alloc(0)
  #kept = 0
  #truncated = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get keptBytes(): number {
    return this.#kept
  }

  get truncated(): boolean {
    return this.#truncated
  }

  append(chunk: Buffer): void {
    const room = this.#maxBytes - this.#kept
    if (chunk.length > room) this.#truncated = true
    const taken = Math.min(room, chunk.length)
    if (taken === 0) return
    this.#reserve(this.#kept + taken)
    chunk.copy(this.#bytes, this.#kept, 0, taken)
    this.#kept += taken
  }

  /** As text where it is valid UTF-8, else as base64. A character cut by the limit is left out. */
  toText(): CollectedText {
    const kept = this.#bytes.subarray(0, this.#kept)
    const whole = this.#truncated ? withoutCutCharacter(kept) : kept
    return isUtf8(whole)
      ? { text: whole.toString('utf8'), encoding: 'utf8' }
      : { text: kept.toString('base64'), encoding: 'base64' }
  }

  #reserve(needed: number): void {
    if (needed <= this.#bytes.length) return
    const capacity = Math.max(needed, this.#bytes.length * 2, FIRST_CAPACITY)
    const larger = Buffer.allocUnsafe(Math.min(capacity, this.#maxBytes))
    this.#bytes.copy(larger, 0, 0, this.#kept)
    this.#bytes = larger
  }
}

/** Drops the beginning of a UTF-8 sequence at the end that the limit cut off. */
function withoutCutCharacter(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return bytes
    if (byte >= 0xc0) return sequenceLength(byte) > back ? bytes.subarray(0, bytes.length - back) : bytes
  }
  return bytes
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4
  return lead >= 0xe0 ? 3 : 2
}
