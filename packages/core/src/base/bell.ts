import type { Clock } from './clock.js'

/** Tells everybody who waits that there is something new. Costs nothing while nobody waits. */
export class Bell {
  #waiting: Set<() => void> | undefined
  #rings = 0

  /** How often it rang. */
  get rings(): number {
    return this.#rings
  }

  ring(): void {
    this.#rings += 1
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) for (const wake of waiting) wake()
  }

  /**
   * Resolves when it rings next, or after `timeoutMs`. Who looks whether there is something new, and then listens
   * without an await between, misses nothing.
   *
   * @throws The signal's reason.
   */
  heard(clock: Clock, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        cancelTimer()
        this.#waiting?.delete(wake)
        signal?.removeEventListener('abort', abort)
        settle()
      }
      const wake = () => finish(resolve)
      const abort = () => finish(() => reject(signal?.reason))
      const cancelTimer = clock.setTimer(timeoutMs, wake)
      if (signal?.aborted) return abort()
      signal?.addEventListener('abort', abort, { once: true })
      this.#waiting ??= new Set()
      this.#waiting.add(wake)
    })
  }
}
