const MAX_TIMER_MS = 2 ** 31 - 1

/** How long a lost connection may stay lost. */
export class Patience {
  readonly #forMs: number
  readonly #giveUp: () => void
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param forMs `Infinity` never gives up. */
  constructor(forMs: number, giveUp: () => void) {
    this.#forMs = forMs
    this.#giveUp = giveUp
  }

  /** Lost: from the first time on it counts. */
  begin(): void {
    if (this.#timer !== undefined || this.#forMs === Number.POSITIVE_INFINITY) return
    this.#timer = setTimeout(this.#giveUp, Math.min(this.#forMs, MAX_TIMER_MS))
  }

  /** Found again, or nobody waits any more. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
