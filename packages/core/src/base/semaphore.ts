import { defer } from './deferred.js'
import type { StopSignal } from './stop-signal.js'

interface Waiter {
  grant(): void
}

/** Thrown by {@link Semaphore.acquire} when its waiting line is full. */
export class SemaphoreFullError extends Error {
  override readonly name = 'SemaphoreFullError'
}

/** Counting semaphore with a bounded, first-come-first-served waiting line. */
export class Semaphore {
  #limit: number
  #held = 0
  readonly #maxWaiting: number
  readonly #waiting: Waiter[] = []

  constructor(limit: number, maxWaiting = Number.POSITIVE_INFINITY) {
    this.#limit = limit
    this.#maxWaiting = maxWaiting
  }

  get limit(): number {
    return this.#limit
  }

  get held(): number {
    return this.#held
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Lowers or raises the bound; what is already held stays held. */
  setLimit(limit: number): void {
    this.#limit = limit
    this.#grantNext()
  }

  /**
   * Takes a slot, waiting in line if need be.
   *
   * @returns Gives the slot back; calling it twice is harmless.
   * @throws SemaphoreFullError when the line is full; the signal's reason when it aborts while waiting.
   */
  async acquire(signal?: StopSignal): Promise<() => void> {
    signal?.throwIfAborted()
    if (this.#held >= this.#limit) await this.#wait(signal)
    else this.#held += 1
    let released = false
    return () => {
      if (released) return
      released = true
      this.#held -= 1
      this.#grantNext()
    }
  }

  async #wait(signal?: StopSignal): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting) throw new SemaphoreFullError('waiting line is full')
    const turn = defer<void>()
    const waiter: Waiter = { grant: () => turn.resolve() }
    this.#waiting.push(waiter)
    const onAbort = () => {
      const index = this.#waiting.indexOf(waiter)
      if (index < 0) return
      this.#waiting.splice(index, 1)
      turn.reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await turn.promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  // The slot is counted here, not when the waiter wakes up: nobody can slip in between.
  #grantNext(): void {
    while (this.#held < this.#limit) {
      const next = this.#waiting.shift()
      if (!next) return
      this.#held += 1
      next.grant()
    }
  }
}
