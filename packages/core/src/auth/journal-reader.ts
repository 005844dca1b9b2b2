import type { Db } from '../db/database.js'
import { decodeCursor, toPage } from '../db/repositories/cursor.js'
import { listEntries } from '../db/repositories/journal.repository.js'
import { toJournalEntry } from '../journal/journal-rows.js'
import { verifyChain } from '../journal/verify-chain.js'
import type { Actor } from '../model/actor.js'
import type { ChainVerification, JournalEntry, JournalQuery } from '../model/journal.js'
import { DEFAULT_PAGE_LIMIT, type Page } from '../model/page.js'
import type { Gate } from './gate.js'

/** What a caller may do with its organization's journal. */
export class JournalReader {
  readonly #gate: Gate
  readonly #db: Db

  constructor(deps: { gate: Gate; db: Db }) {
    this.#gate = deps.gate
    this.#db = deps.db
  }

  async list(actor: Actor, query: JournalQuery): Promise<Page<JournalEntry>> {
    return this.#gate.run(actor, { permission: 'journal:read' }, async () => {
      const { limit = DEFAULT_PAGE_LIMIT, cursor, ...filter } = query
      const beforeSeq = cursor === undefined ? undefined : Number(decodeCursor(filter, cursor)[0])
      const rows = await listEntries(this.#db, actor.orgId, { filter, beforeSeq, limit: limit + 1 })
      return toPage(rows, limit, { filters: filter, key: (row) => [row.seq], item: toJournalEntry })
    })
  }

  async verify(actor: Actor): Promise<ChainVerification> {
    return this.#gate.run(actor, { permission: 'journal:verify' }, () => verifyChain(this.#db, actor.orgId))
  }
}
