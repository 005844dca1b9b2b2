import type { Clock } from '../base/clock.js'
import { startDeadline } from '../base/deadline.js'
import { Semaphore } from '../base/semaphore.js'
import { targetTimeout } from './error-mapping.js'

export interface DialQueueOptions {
  readonly clock: Clock
  /** Connections that may be between dial and login at the same time, over all targets. */
  readonly maxAtOnce: number
  /** How long to wait in line. */
  readonly waitMs: number
}

// sshd drops connections at random from 10 unauthenticated ones on (MaxStartups 10:30:100).
const MAX_PER_TARGET = 8

/** Bounds how many connections are being opened: per target, so that it keeps up; in all, for our memory. */
export class DialQueue {
  readonly #options: DialQueueOptions
  readonly #all: Semaphore
  readonly #perTarget = new Map<string, Semaphore>()

  constructor(options: DialQueueOptions) {
    this.#options = options
    this.#all = new Semaphore(options.maxAtOnce)
  }

  /**
   * Waits for a turn.
   *
   * @returns Ends the turn.
   * @throws KrownError TARGET_TIMEOUT with phase `queue`; the signal's reason.
   */
  async enter(target: string, parent: AbortSignal): Promise<() => void> {
    const { clock, waitMs } = this.#options
    using deadline = startDeadline(clock, waitMs, { reason: () => targetTimeout('queue'), parent })
    const leaveTarget = await this.#enterTarget(target, deadline.signal)
    try {
      const leaveAll = await this.#all.acquire(deadline.signal)
      return () => {
        leaveAll()
        leaveTarget()
      }
    } catch (error) {
      leaveTarget()
      throw error
    }
  }

  async #enterTarget(target: string, signal: AbortSignal): Promise<() => void> {
    const slots = this.#perTarget.get(target) ?? new Semaphore(MAX_PER_TARGET)
    this.#perTarget.set(target, slots)
    try {
      const release = await slots.acquire(signal)
      return () => {
        release()
        this.#forgetIfIdle(target, slots)
      }
    } catch (error) {
      this.#forgetIfIdle(target, slots)
      throw error
    }
  }

  #forgetIfIdle(target: string, slots: Semaphore): void {
    if (slots.held === 0 && this.#perTarget.get(target) === slots) this.#perTarget.delete(target)
  }
}
