import { isUtf8 } from 'node:buffer'
import { cutCharacterBytes, type EncodedOutput } from './output-text.js'

const FIRST_CAPACITY = 1_024

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
  toText(): EncodedOutput {
    const kept = this.#bytes.subarray(0, this.#kept)
    const whole = this.#truncated ? kept.subarray(0, kept.length - cutCharacterBytes(kept)) : kept
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
