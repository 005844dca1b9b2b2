import type { Clock } from './clock.js'

const MAX_KEYS = 50_000

interface Window {
  count: number
  readonly endsAt: number
}

/** Counts by key in windows of one length, which begin with the first count. Holds a bounded number of keys. */
export class WindowCounter {
  readonly #clock: Clock
  readonly #limit: number
  readonly #windowMs: number
  /** In the order in which they end. */
  readonly #windows = new Map<string, Window>()

  constructor(options: { clock: Clock; limit: number; windowMs: number }) {
    this.#clock = options.clock
    this.#limit = options.limit
    this.#windowMs = options.windowMs
  }

  /** Milliseconds until `key` is below the limit again; 0 when it is now. */
  waitMs(key: string): number {
    const window = this.#open(key)
    return window && window.count >= this.#limit ? window.endsAt - this.#clock.monotonic() : 0
  }

  add(key: string): void {
    const window = this.#open(key)
    if (window) window.count += 1
    else this.#begin(key)
  }

  takeBack(key: string): void {
    const window = this.#open(key)
    if (window) window.count = Math.max(0, window.count - 1)
  }

  #open(key: string): Window | undefined {
    const window = this.#windows.get(key)
    return window && window.endsAt > this.#clock.monotonic() ? window : undefined
  }

  #begin(key: string): void {
    const now = this.#clock.monotonic()
    this.#windows.delete(key)
    for (const [oldKey, { endsAt }] of this.#windows) {
      if (endsAt > now && this.#windows.size < MAX_KEYS) break
      this.#windows.delete(oldKey)
    }
    this.#windows.set(key, { count: 1, endsAt: now + this.#windowMs })
  }
}
