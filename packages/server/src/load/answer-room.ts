import { KrownError } from '@krown/core'

const MIB = 1024 * 1024

export interface AnswerRoomLimits {
  /** Of one user, and of all, bytes. One answer may begin below the limit and end above it. */
  readonly userBytes: number
  readonly totalBytes: number
  /** How long an answer waits for others to be taken. */
  readonly patienceMs: number
}

const DEFAULT_ANSWER_ROOM: AnswerRoomLimits = {
  userBytes: 16 * MIB,
  totalBytes: 64 * MIB,
  patienceMs: 10_000,
}

/** Smaller ones wait for nobody. */
const SMALL_BYTES = 64 * 1024

/** Memory for answers that are under way: from when they are made until their clients took them, or are gone. */
export class AnswerRoom {
  readonly #limits: AnswerRoomLimits
  readonly #ofUser = new Map<string, number>()
  readonly #waiting = new Set<() => void>()
  #total = 0

  constructor(limits: AnswerRoomLimits = DEFAULT_ANSWER_ROOM) {
    this.#limits = limits
  }

  /** @throws KrownError RATE_LIMITED, UNAVAILABLE */
  requireRoom(userId: string): void {
    const retryAfterMs = 1000
    if (this.#bytesOf(userId) >= this.#limits.userBytes) {
      throw new KrownError('RATE_LIMITED', 'answers to earlier requests were not read yet', { retryAfterMs })
    }
    if (this.#total >= this.#limits.totalBytes) {
      throw new KrownError('UNAVAILABLE', 'too many answers are under way', { retryAfterMs })
    }
  }

  /** Takes room until `over` aborts. False when there was none in time, and nothing was taken. */
  async take(userId: string, bytes: number, over: AbortSignal): Promise<boolean> {
    const isLarge = bytes > SMALL_BYTES
    if (isLarge && this.#isFull(userId) && !(await this.#waitForRoom(userId, over))) return false
    this.takeAnyway(userId, bytes, over)
    return true
  }

  takeAnyway(userId: string, bytes: number, over: AbortSignal): void {
    if (over.aborted) return
    this.#add(userId, bytes)
    over.addEventListener('abort', () => this.#giveBack(userId, bytes), { once: true })
  }

  async #waitForRoom(userId: string, over: AbortSignal): Promise<boolean> {
    const enough = AbortSignal.any([over, AbortSignal.timeout(this.#limits.patienceMs)])
    while (this.#isFull(userId) && !enough.aborted) await this.#change(enough)
    return !this.#isFull(userId)
  }

  #change(enough: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake)
        enough.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      enough.addEventListener('abort', wake, { once: true })
    })
  }

  #isFull(userId: string): boolean {
    return this.#total >= this.#limits.totalBytes || this.#bytesOf(userId) >= this.#limits.userBytes
  }

  #bytesOf(userId: string): number {
    return this.#ofUser.get(userId) ?? 0
  }

  #add(userId: string, bytes: number): void {
    this.#total += bytes
    const ofUser = this.#bytesOf(userId) + bytes
    if (ofUser > 0) this.#ofUser.set(userId, ofUser)
    else this.#ofUser.delete(userId)
  }

  #giveBack(userId: string, bytes: number): void {
    this.#add(userId, -bytes)
    // Each looks for itself: the first may fill it up again.
    for (const wake of [...this.#waiting]) wake()
  }
}
