import type { Clock } from '../../base/clock.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { OrgId } from '../../model/ids.js'

const WINDOW_MS = 60_000
const MAX_KEYS = 10_000

export interface Aggregation {
  /** Entries with the same name share one allowance a minute … */
  readonly budget: string
  readonly perMinute: number
  /** … and beyond it those with the same key become one entry, made from `summary`. */
  readonly key: string
  readonly summary: JournalDraft
}

interface Counted {
  readonly orgId: OrgId
  readonly summary: JournalDraft
  count: number
}

/** Journals what anybody can cause at any rate: one by one up to a bound, then counted by the minute. */
export class EntryAggregator {
  readonly #journal: Pick<Journal, 'append'>
  readonly #clock: Clock
  readonly #spent = new Map<string, number>()
  #counted = new Map<string, Counted>()
  #cancelTimer: (() => void) | undefined

  constructor(deps: { journal: Pick<Journal, 'append'>; clock: Clock }) {
    this.#journal = deps.journal
    this.#clock = deps.clock
  }

  /** @throws KrownError AUDIT_UNAVAILABLE */
  async record(orgId: OrgId, draft: JournalDraft, how: Aggregation): Promise<void> {
    if (this.#spent.size >= MAX_KEYS || this.#counted.size >= MAX_KEYS) await this.flush()
    this.#startWindow()
    const budget = `${orgId} ${how.budget}`
    const spent = this.#spent.get(budget) ?? 0
    if (spent >= how.perMinute)
      return this.#count(`${orgId} ${how.key}`, { orgId, summary: how.summary, count: 1 })
    this.#spent.set(budget, spent + 1)
    await this.#journal.append(orgId, [draft])
  }

  /** Ends the minute now: writes what was only counted. @throws KrownError AUDIT_UNAVAILABLE; then it is kept. */
  async flush(): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#spent.clear()
    const counted = this.#counted
    this.#counted = new Map()
    await Promise.all([...counted].map(([key, entry]) => this.#write(key, entry)))
  }

  async #write(key: string, entry: Counted): Promise<void> {
    const { orgId, summary, count } = entry
    try {
      await this.#journal.append(orgId, [{ ...summary, facts: { ...summary.facts, count } }])
    } catch (error) {
      this.#count(key, entry)
      this.#startWindow()
      throw error
    }
  }

  #count(key: string, entry: Counted): void {
    const known = this.#counted.get(key)
    if (known) known.count += entry.count
    else this.#counted.set(key, { ...entry })
  }

  #startWindow(): void {
    this.#cancelTimer ??= this.#clock.setTimer(WINDOW_MS, () => {
      // What could not be written stays counted, and the next minute tries again.
      void this.flush().catch(() => {})
    })
  }
}
