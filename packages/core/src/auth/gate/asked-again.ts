import type { Clock } from '../../base/clock.js'

/** Who reads for a long time may lose the right to: no answer is older than this. */
export const ASK_AGAIN_MS = 2_000

/** An answer about somebody's rights that does not grow old. */
export class AskedAgain<Answer> {
  readonly #clock: Clock
  readonly #ask: () => Promise<Answer>
  #answer: Answer
  #askedAt: number
  #asking: Promise<Answer> | undefined
  #refused = false

  /**
   * @param ask Rejects when there is no right (any more).
   * @param answer What it said just now.
   */
  constructor(clock: Clock, ask: () => Promise<Answer>, answer: Answer) {
    this.#clock = clock
    this.#ask = ask
    this.#answer = answer
    this.#askedAt = clock.monotonic()
  }

  /** The last answer; undefined when the next has to be waited for with `again`. */
  get fresh(): Answer | undefined {
    const age = this.#clock.monotonic() - this.#askedAt
    // In time, so that who reads a flood does not stand still meanwhile.
    if (age >= ASK_AGAIN_MS / 2) this.again().catch(() => {})
    return age < ASK_AGAIN_MS && !this.#refused ? this.#answer : undefined
  }

  /** Asks, unless that is under way. A refusal is final. */
  again(): Promise<Answer> {
    this.#asking ??= this.#askNow()
    return this.#asking
  }

  async #askNow(): Promise<Answer> {
    try {
      const askedAt = this.#clock.monotonic()
      this.#answer = await this.#ask()
      this.#askedAt = askedAt
      this.#asking = undefined
    } catch (error) {
      this.#refused = true
      throw error
    }
    return this.#answer
  }
}
