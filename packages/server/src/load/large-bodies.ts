import { KrownError } from '@krown/core'

/** Of all users. Each is in memory whole, several times over, before anything else is known of it. */
const MAX_AT_ONCE = 8

/** Request bodies that are larger than most may be: one of a user at a time, and few of all. */
export class LargeBodies {
  readonly #users = new Set<string>()

  /**
   * Takes a place until `over` aborts.
   *
   * @throws KrownError RATE_LIMITED, UNAVAILABLE
   */
  begin(userId: string, over: AbortSignal): void {
    const retryAfterMs = 1000
    if (this.#users.has(userId)) {
      throw new KrownError('RATE_LIMITED', 'one large request at a time', { retryAfterMs })
    }
    if (this.#users.size >= MAX_AT_ONCE) {
      throw new KrownError('UNAVAILABLE', 'too many large requests are under way', { retryAfterMs })
    }
    if (over.aborted) return
    this.#users.add(userId)
    over.addEventListener('abort', () => this.#users.delete(userId), { once: true })
  }
}
