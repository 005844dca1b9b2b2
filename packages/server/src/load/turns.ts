import { KrownError } from '@krown/core'

export interface TurnLimits {
  /** Calls of one user that are worked on at once. */
  readonly atOnce: number
  /** Calls of one user that are worked on or wait for their turn. */
  readonly inLine: number
}

interface Line {
  calls: number
  atWork: number
  readonly next: (() => void)[]
}

/** Lets each user's calls through a few at a time, so that whoever asks for much at once waits for itself. */
export class Turns {
  readonly #limits: TurnLimits
  readonly #lines = new Map<string, Line>()

  constructor(limits: TurnLimits) {
    this.#limits = limits
  }

  /** Does `work` when it is the user's turn. @throws KrownError RATE_LIMITED when the line is full. */
  async take<T>(userId: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(userId) ?? { calls: 0, atWork: 0, next: [] }
    if (line.calls >= this.#limits.inLine) {
      throw new KrownError('RATE_LIMITED', 'too many requests at once', { retryAfterMs: 1000 })
    }
    this.#lines.set(userId, line)
    line.calls += 1
    try {
      if (line.atWork < this.#limits.atOnce) line.atWork += 1
      else await new Promise<void>((resolve) => line.next.push(resolve))
      return await work()
    } finally {
      this.#leave(userId, line)
    }
  }

  #leave(userId: string, line: Line): void {
    line.calls -= 1
    const next = line.next.shift()
    // Its place goes to the next one, or is free.
    if (next) next()
    else line.atWork -= 1
    if (line.calls === 0) this.#lines.delete(userId)
  }
}
