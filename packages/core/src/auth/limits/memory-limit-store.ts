import type { Clock } from '../../base/clock.js'
import {
  type Count,
  type FailureCount,
  type LimitKey,
  type LimitKind,
  type LimitStore,
  type LimitWindow,
  lockedForMs,
  lockMs,
} from './limit-store.js'

/** Of each kind. */
const MAX_NAMES = 50_000

interface Entry {
  points: number
  /** By the monotonic clock. */
  expires: number
}

/** Counts of one process, by a clock that nobody sets. Bounded: too many names, and the oldest are forgotten. */
export class MemoryLimitStore implements LimitStore {
  readonly #clock: Clock
  /** Of each kind, in the order in which they were begun or, where that matters, last used. */
  readonly #kinds = new Map<LimitKind, Map<string, Entry>>()

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  async read(keys: readonly LimitKey[]): Promise<(Count | undefined)[]> {
    return keys.map((key) => this.#read(key))
  }

  async count(key: LimitKey, { limit, windowMs }: LimitWindow): Promise<number> {
    const entry = this.#find(key)
    if (!entry) this.#put(key, { points: 1, expires: this.#clock.monotonic() + windowMs })
    else if (entry.points >= limit) return entry.expires - this.#clock.monotonic()
    else entry.points += 1
    return 0
  }

  async countFailure(key: LimitKey, window: LimitWindow): Promise<FailureCount> {
    const waitMs = lockedForMs(this.#read(key), window)
    if (waitMs > 0) return { counted: false, waitMs }
    const now = this.#clock.monotonic()
    const { points, expires } = this.#find(key) ?? { points: 0, expires: now + window.windowMs }
    const locksForMs = lockMs(points + 1, window)
    // Last failed goes last: what is dropped when there are too many is what nobody is attacking.
    this.#put(key, {
      points: points + 1,
      expires: locksForMs > 0 ? now + locksForMs + window.windowMs : expires,
    })
    return { counted: true, locksForMs }
  }

  async takeBack(key: LimitKey): Promise<void> {
    const entry = this.#find(key)
    if (entry) entry.points = Math.max(0, entry.points - 1)
  }

  async takeBackFailure(key: LimitKey, { windowMs }: LimitWindow): Promise<void> {
    await this.takeBack(key)
    const entry = this.#find(key)
    if (entry) entry.expires = Math.min(entry.expires, this.#clock.monotonic() + windowMs)
  }

  async remember(key: LimitKey, forMs: number): Promise<void> {
    this.#put(key, { points: 1, expires: this.#clock.monotonic() + forMs })
  }

  async forget({ kind, name }: LimitKey): Promise<void> {
    this.#kinds.get(kind)?.delete(name)
  }

  async purge(): Promise<void> {
    const now = this.#clock.monotonic()
    for (const entries of this.#kinds.values()) {
      for (const [name, { expires }] of entries) if (expires <= now) entries.delete(name)
    }
  }

  #read(key: LimitKey): Count | undefined {
    const entry = this.#find(key)
    return entry && { points: entry.points, leftMs: entry.expires - this.#clock.monotonic() }
  }

  #find({ kind, name }: LimitKey): Entry | undefined {
    const entry = this.#kinds.get(kind)?.get(name)
    return entry && entry.expires > this.#clock.monotonic() ? entry : undefined
  }

  #put({ kind, name }: LimitKey, entry: Entry): void {
    const entries = this.#kinds.get(kind) ?? new Map<string, Entry>()
    this.#kinds.set(kind, entries)
    entries.delete(name)
    for (const [oldName, { expires }] of entries) {
      if (expires > this.#clock.monotonic() && entries.size < MAX_NAMES) break
      entries.delete(oldName)
    }
    entries.set(name, entry)
  }
}
