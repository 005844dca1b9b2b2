import type { Clock } from '../base/clock.js'

/** Who reads for a long time may lose the right to: it is asked for again so often. */
export const ASK_AGAIN_MS = 2_000

/** An answer about somebody's rights that does not grow old. */
export class AskedAgain<Answer> {
  readonly #clock: Clock
  readonly #ask: () => Promise<Answer>
  #answer: Answer
  #askedAt: number

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

  /** The last answer; undefined when it is time to ask again. */
  get fresh(): Answer | undefined {
    return this.#clock.monotonic() - this.#askedAt < ASK_AGAIN_MS ? this.#answer : undefined
  }

  async again(): Promise<Answer> {
    this.#answer = await this.#ask()
    this.#askedAt = this.#clock.monotonic()
    return this.#answer
  }
}
