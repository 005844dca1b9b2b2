import type { Clock } from './clock.js'

interface Kept<Item> {
  readonly item: Item
  /** Counted once: what is added is what is taken away again. */
  readonly bytes: number
  readonly until: number
}

const KEEP_MS = 10 * 60_000

/** What ended a while ago, for whoever asks again; bounded in time, number and bytes. */
export class RecentlyEnded<Id, Item> {
  readonly #clock: Clock
  readonly #limits: { readonly maxBytes: number; readonly maxItems: number }
  readonly #kept = new Map<Id, Kept<Item>>()
  #bytes = 0

  constructor(clock: Clock, limits: { maxBytes: number; maxItems: number }) {
    this.#clock = clock
    this.#limits = limits
  }

  keep(id: Id, item: Item, bytes: number): void {
    this.#drop(id)
    this.#kept.set(id, { item, bytes, until: this.#clock.monotonic() + KEEP_MS })
    this.#bytes += bytes
    this.#evict()
  }

  find(id: Id): Item | undefined {
    this.#evict()
    return this.#kept.get(id)?.item
  }

  // The map is in the order of insertion, so the oldest come first.
  #evict(): void {
    const { maxBytes, maxItems } = this.#limits
    const now = this.#clock.monotonic()
    for (const [id, { until }] of this.#kept) {
      if (until > now && this.#bytes <= maxBytes && this.#kept.size <= maxItems) return
      this.#drop(id)
    }
  }

  #drop(id: Id): void {
    this.#bytes -= this.#kept.get(id)?.bytes ?? 0
    this.#kept.delete(id)
  }
}
