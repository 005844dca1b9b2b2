import type { CompiledQuery } from 'kysely'
import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import { isKrownError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { OrgId } from '../../model/ids.js'

/** How something ended. */
export interface EndResult {
  readonly orgId: OrgId
  readonly queries: readonly CompiledQuery[]
  readonly entry: JournalDraft
  /** What it ends may not be stored, or has ended already: without a row to change there is nothing to journal. */
  readonly onlyIfStored?: boolean
}

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 15_000
const MAX_LATE = 10_000

/** Writes how things ended; when the journal cannot be written, remembers and retries until it can. */
export class ResultJournal {
  readonly #journal: Pick<Journal, 'write' | 'transact'>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #late: EndResult[] = []
  #cancelRetry: (() => void) | undefined
  #retrying: Promise<void> | undefined
  #retryMs = FIRST_RETRY_MS
  #stopped = false

  constructor(deps: { journal: Pick<Journal, 'write' | 'transact'>; clock: Clock; logger: Logger }) {
    this.#journal = deps.journal
    this.#clock = deps.clock
    this.#logger = deps.logger
  }

  /** Results that are still only in memory. */
  get lateCount(): number {
    return this.#late.length
  }

  /** False when it has to wait, or cannot be written at all; never rejects. */
  async write(result: EndResult): Promise<boolean> {
    const outcome = await this.#tryToWrite(result)
    if (outcome === 'later') this.#remember(result)
    return outcome === 'written'
  }

  /** One more try for everything that is late, when the process is about to end. */
  async flush(): Promise<void> {
    await this.#retrying
    await this.#retryAll()
  }

  stop(): void {
    this.#stopped = true
    this.#cancelRetry?.()
    for (const result of this.#late.splice(0)) this.#lose(result, { reason: 'the process ends' })
  }

  async #tryToWrite(result: EndResult): Promise<'written' | 'later' | 'never'> {
    const { orgId, queries, entry, onlyIfStored } = result
    try {
      if (onlyIfStored) await this.#writeIfStored(orgId, queries, entry)
      else await this.#journal.write(orgId, queries, [entry])
      return 'written'
    } catch (error) {
      if (isKrownError(error)) return 'later'
      this.#lose(result, { err: error })
      return 'never'
    }
  }

  async #writeIfStored(orgId: OrgId, queries: readonly CompiledQuery[], entry: JournalDraft): Promise<void> {
    await this.#journal.transact(
      orgId,
      async (trx) => {
        let changed = 0n
        for (const query of queries) changed += (await trx.executeQuery(query)).numAffectedRows ?? 0n
        return changed > 0n
      },
      (stored) => (stored ? [entry] : []),
    )
  }

  #remember(result: EndResult): void {
    if (this.#stopped) this.#lose(result, { reason: 'the process ends' })
    else if (this.#late.length >= MAX_LATE) this.#lose(result, { reason: 'too many results are waiting' })
    else this.#late.push(result)
    this.#scheduleRetry()
  }

  /** Without a row that says how it ended, the sweep of the next start calls it interrupted. */
  #lose({ orgId, entry }: EndResult, why: { err: unknown } | { reason: string }): void {
    const { action, resource } = entry
    this.#logger.error({ orgId, action, resource, ...why }, 'a result could not be journaled')
  }

  // A retry under way takes what is late by then as well, so there is no second one beside it.
  #scheduleRetry(): void {
    if (this.#stopped || this.#retrying || this.#cancelRetry || this.#late.length === 0) return
    this.#cancelRetry = this.#clock.setTimer(this.#retryMs, () => void this.#retryAll())
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS)
  }

  #retryAll(): Promise<void> {
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.#retrying ??= this.#retryInOrder().finally(() => {
      this.#retrying = undefined
      this.#scheduleRetry()
    })
    return this.#retrying
  }

  async #retryInOrder(): Promise<void> {
    for (let result = this.#late[0]; result; result = this.#late[0]) {
      if ((await this.#tryToWrite(result)) === 'later') return
      this.#late.shift()
    }
    this.#retryMs = FIRST_RETRY_MS
  }
}
