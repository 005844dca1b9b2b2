import type { CompiledQuery } from 'kysely'
import type { Clock } from '../base/clock.js'
import type { JournalDraft } from '../journal/entry.js'
import type { Journal } from '../journal/journal.js'
import type { OrgId } from '../model/ids.js'

interface LateResult {
  readonly orgId: OrgId
  readonly queries: readonly CompiledQuery[]
  readonly entry: JournalDraft
}

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 15_000
/** What does not fit is left to the sweep of the next start. */
const MAX_LATE = 10_000

/** Writes how things ended; when the journal cannot be written, remembers and retries until it can. */
export class ResultJournal {
  readonly #journal: Journal
  readonly #clock: Clock
  readonly #late: LateResult[] = []
  #cancelRetry: (() => void) | undefined
  #retryMs = FIRST_RETRY_MS

  constructor(deps: { journal: Journal; clock: Clock }) {
    this.#journal = deps.journal
    this.#clock = deps.clock
  }

  /** Results that are still only in memory. */
  get lateCount(): number {
    return this.#late.length
  }

  /** False when it has to wait; never rejects. */
  async write(orgId: OrgId, queries: readonly CompiledQuery[], entry: JournalDraft): Promise<boolean> {
    try {
      await this.#journal.write(orgId, queries, [entry])
      return true
    } catch {
      this.#remember({ orgId, queries, entry })
      return false
    }
  }

  /** One more try for everything that is late, when the process is about to end. */
  async flush(): Promise<void> {
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    await this.#retryAll()
  }

  stop(): void {
    this.#cancelRetry?.()
    this.#late.length = 0
  }

  #remember(result: LateResult): void {
    if (this.#late.length < MAX_LATE) this.#late.push(result)
    this.#scheduleRetry()
  }

  #scheduleRetry(): void {
    if (this.#cancelRetry || this.#late.length === 0) return
    this.#cancelRetry = this.#clock.setTimer(this.#retryMs, () => {
      this.#cancelRetry = undefined
      void this.#retryAll()
    })
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS)
  }

  async #retryAll(): Promise<void> {
    while (this.#late[0]) {
      const { orgId, queries, entry } = this.#late[0]
      const written = await this.#journal.write(orgId, queries, [entry]).then(
        () => true,
        () => false,
      )
      if (!written) return this.#scheduleRetry()
      this.#late.shift()
    }
    this.#retryMs = FIRST_RETRY_MS
  }
}
