import { AskedAgain } from '../auth/gate/asked-again.js'
import type { Gate } from '../auth/gate/gate.js'
import type { Bell } from '../base/bell.js'
import type { Clock } from '../base/clock.js'
import type { Db } from '../db/database.js'
import { findHead, listEntriesForward } from '../db/repositories/journal.repository.js'
import { KrownError } from '../errors/krown-error.js'
import type { Journal } from '../journal/journal.js'
import { toJournalEntry } from '../journal/journal-rows.js'
import type { Actor } from '../model/actor.js'
import type { JournalEntry, JournalFollowOptions } from '../model/journal.js'

export interface JournalTailDeps {
  readonly gate: Gate
  readonly db: Db
  readonly clock: Clock
  readonly journal: Pick<Journal, 'bell'>
}

const PAGE = 100
/** What other processes commit makes no sound here. */
const LOOK_EVERY_MS = 1_000

/** Follows organizations' journals: each entry once, in the order of the chain. */
export class JournalTail {
  readonly #deps: JournalTailDeps
  readonly #bells = new Set<Bell>()
  #stopped = false

  constructor(deps: JournalTailDeps) {
    this.#deps = deps
  }

  /** See `KrownClient.journal.follow`. */
  async *follow(actor: Actor, options: JournalFollowOptions): AsyncGenerator<JournalEntry> {
    const { gate, clock, db } = this.#deps
    const ask = () => gate.run(actor, { permission: 'journal:read' }, async () => true)
    const rights = new AskedAgain(clock, ask, await ask())
    let seq = options.after ?? (await findHead(db, actor.orgId))?.seq ?? 0
    for (;;) {
      const page = await this.#nextPage(actor, { after: seq, rights, signal: options.signal })
      for (const entry of page) {
        options.signal?.throwIfAborted()
        if (!rights.fresh) await rights.again()
        seq = entry.seq
        yield entry
      }
    }
  }

  /** Ends all following. */
  stop(): void {
    this.#stopped = true
    for (const bell of this.#bells) bell.ring()
  }

  /** Waits until there are entries. Whoever may not read them any more does not wait. */
  async #nextPage(
    { orgId }: Actor,
    {
      after,
      rights,
      signal,
    }: Omit<JournalFollowOptions, 'after'> & { after: number; rights: AskedAgain<boolean> },
  ): Promise<JournalEntry[]> {
    const { db, clock, journal } = this.#deps
    const bell = journal.bell(orgId)
    this.#bells.add(bell)
    for (;;) {
      signal?.throwIfAborted()
      if (this.#stopped) throw new KrownError('DRAINING', 'Krown is shutting down')
      if (!rights.fresh) await rights.again()
      const { rings } = bell
      const rows = await listEntriesForward(db, orgId, { afterSeq: after, limit: PAGE })
      if (rows.length > 0) return rows.map(toJournalEntry)
      if (bell.rings === rings) await bell.heard(clock, LOOK_EVERY_MS, signal)
    }
  }
}
