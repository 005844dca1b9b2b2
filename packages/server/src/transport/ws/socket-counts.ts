import { KrownError } from '@krown/core'

/** How many sockets there are of each user, or from each address. */
export class SocketCounts {
  readonly #counts = new Map<string, number>()
  readonly #limit: number
  readonly #whose: string

  /** @param whose For the refusal: `of this user`. */
  constructor(limit: number, whose: string) {
    this.#limit = limit
    this.#whose = whose
  }

  /**
   * Counts one more.
   *
   * @returns What gives the place back; calling it twice is fine.
   * @throws KrownError QUOTA_EXCEEDED
   */
  take(key: string): () => void {
    const count = this.#counts.get(key) ?? 0
    if (count >= this.#limit) {
      throw new KrownError('QUOTA_EXCEEDED', `too many WebSockets ${this.#whose}`, {
        details: { limit: this.#limit },
      })
    }
    this.#counts.set(key, count + 1)
    let taken = true
    return () => {
      if (taken) this.#giveBack(key)
      taken = false
    }
  }

  #giveBack(key: string): void {
    const left = (this.#counts.get(key) ?? 1) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }
}
