import type { Clock } from './clock.js'

interface Remembered<Value> {
  readonly freshUntil: number
  readonly value: Promise<Value>
}

/** Answers that count for a moment: who asks meanwhile shares the one that is there or under way. */
export class ShortLivedCache<Value> {
  readonly #clock: Clock
  readonly #maxAgeMs: number
  readonly #maxSize: number
  /** In the order in which they stop being fresh. */
  readonly #remembered = new Map<string, Remembered<Value>>()

  constructor(deps: { clock: Clock; maxAgeMs: number; maxSize: number }) {
    this.#clock = deps.clock
    this.#maxAgeMs = deps.maxAgeMs
    this.#maxSize = deps.maxSize
  }

  /** A failure is an answer to whoever waits for it, and is not remembered. */
  get(key: string, load: () => Promise<Value>): Promise<Value> {
    const now = this.#clock.monotonic()
    const remembered = this.#remembered.get(key)
    if (remembered && remembered.freshUntil > now) return remembered.value
    const entry = { value: load(), freshUntil: now + this.#maxAgeMs }
    this.#remember(key, entry)
    return entry.value
  }

  /** Forgets every key of which that is true. */
  forget(isMeant: (key: string) => boolean): void {
    for (const key of this.#remembered.keys()) if (isMeant(key)) this.#remembered.delete(key)
  }

  #remember(key: string, entry: Remembered<Value>): void {
    this.#remembered.delete(key)
    for (const [oldKey, { freshUntil }] of this.#remembered) {
      if (freshUntil > this.#clock.monotonic() && this.#remembered.size < this.#maxSize) break
      this.#remembered.delete(oldKey)
    }
    this.#remembered.set(key, entry)
    entry.value.catch(() => {
      if (this.#remembered.get(key) === entry) this.#remembered.delete(key)
    })
  }
}
