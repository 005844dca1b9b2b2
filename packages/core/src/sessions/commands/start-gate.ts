import { raceSignal } from '../../base/deadline.js'
import { type Deferred, defer } from '../../base/deferred.js'

/**
 * Lets commands start side by side, and somebody look at what runs in between: a look waits for the starts under
 * way and holds new ones back, so that what Krown counts is what the target runs.
 */
export class StartGate {
  #starting = 0
  #quiet: Deferred<void> | undefined
  #held: Deferred<void> | undefined

  async start<T>(begin: () => Promise<T>): Promise<T> {
    while (this.#held) await this.#held.promise
    this.#starting += 1
    try {
      return await begin()
    } finally {
      this.#starting -= 1
      if (this.#starting === 0) this.#quiet?.resolve()
    }
  }

  /**
   * Begins at a moment when nothing is starting; there is one at a time.
   *
   * @param look Calls `letStart` as soon as new starts cannot disturb it any more.
   * @throws The signal's reason when that moment did not come.
   */
  async look<T>(signal: AbortSignal, look: (letStart: () => void) => Promise<T>): Promise<T> {
    const letStart = this.#hold()
    try {
      if (this.#starting > 0) {
        this.#quiet = defer()
        await raceSignal(this.#quiet.promise, signal)
      }
      return await look(letStart)
    } finally {
      this.#quiet = undefined
      letStart()
    }
  }

  #hold(): () => void {
    const held = defer<void>()
    this.#held = held
    return () => {
      if (this.#held === held) this.#held = undefined
      held.resolve()
    }
  }
}
