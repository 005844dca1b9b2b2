import { isUtf8 } from 'node:buffer'
import type { OutputBudget } from './output-budget.js'
import { cutCharacterBytes, type EncodedOutput } from './output-text.js'

const FIRST_CAPACITY = 1_024
const NOTHING = Buffer.alloc(0)

/**
 * Keeps the first `maxBytes` of one stream for the answer, or fewer when the process has no more to spare; its memory
 * follows what was printed.
 */
export class OutputCollector {
  readonly #maxBytes: number
  readonly #budget: OutputBudget
  #bytes = NOTHING
  #kept = 0
  #truncated = false
  #isOver = false
  #text: EncodedOutput | undefined

  constructor(maxBytes: number, budget: OutputBudget) {
    this.#maxBytes = maxBytes
    this.#budget = budget
  }

  get keptBytes(): number {
    return this.#kept
  }

  get truncated(): boolean {
    return this.#truncated
  }

  append(chunk: Buffer): void {
    if (chunk.length === 0 || this.#truncated) return
    this.#text = undefined
    const wanted = Math.min(this.#kept + chunk.length, this.#maxBytes)
    const taken = Math.min(wanted, this.#reserve(wanted)) - this.#kept
    this.#truncated = taken < chunk.length
    chunk.copy(this.#bytes, this.#kept, 0, taken)
    this.#kept += taken
  }

  /**
   * As text where it is valid UTF-8, else as base64. A character cut by the limit is left out. Made once for all who
   * ask, and instead of the bytes when nothing more will come.
   */
  toText(): EncodedOutput {
    this.#text ??= this.#encode()
    if (this.#isOver) this.#bytes = NOTHING
    return this.#text
  }

  #encode(): EncodedOutput {
    const kept = this.#bytes.subarray(0, this.#kept)
    const whole = this.#truncated ? kept.subarray(0, kept.length - cutCharacterBytes(kept)) : kept
    return isUtf8(whole)
      ? { text: whole.toString('utf8'), encoding: 'utf8' }
      : { text: kept.toString('base64'), encoding: 'base64' }
  }

  /** Others may need the memory: nothing more will come. */
  leaveBudget(): void {
    this.#budget.giveBack(this.#bytes.length)
    this.#isOver = true
    if (this.#text) this.#bytes = NOTHING
  }

  /** @returns How many bytes there is room for now. */
  #reserve(needed: number): number {
    if (needed <= this.#bytes.length) return this.#bytes.length
    const capacity = Math.min(Math.max(needed, this.#bytes.length * 2, FIRST_CAPACITY), this.#maxBytes)
    if (!this.#budget.take(capacity - this.#bytes.length)) return this.#bytes.length
    const larger = Buffer.allocUnsafe(capacity)
    this.#bytes.copy(larger, 0, 0, this.#kept)
    this.#bytes = larger
    return capacity
  }
}
