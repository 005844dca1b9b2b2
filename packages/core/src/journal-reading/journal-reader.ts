import type { Gate } from '../auth/gate/gate.js'
import type { Db } from '../db/database.js'
import { decodeCursor, toPage } from '../db/repositories/cursor.js'
import { listEntries } from '../db/repositories/journal.repository.js'
import { toJournalEntry } from '../journal/journal-rows.js'
import { verifyChain } from '../journal/verify-chain.js'
import type { Actor } from '../model/actor.js'
import type { OrgId } from '../model/ids.js'
import type { ChainVerification, JournalEntry, JournalQuery } from '../model/journal.js'
import { DEFAULT_PAGE_LIMIT, type Page } from '../model/page.js'

/** What a caller may do with its organization's journal. */
export class JournalReader {
  readonly #gate: Gate
  readonly #db: Db
  readonly #verifying = new Map<OrgId, Promise<ChainVerification>>()

  constructor(deps: { gate: Gate; db: Db }) {
    this.#gate = deps.gate
    this.#db = deps.db
  }

  async list(actor: Actor, query: JournalQuery): Promise<Page<JournalEntry>> {
    return this.#gate.run(actor, { permission: 'journal:read' }, async () => {
      const { limit = DEFAULT_PAGE_LIMIT, cursor, ...filter } = query
      const filters = { list: 'journal', ...filter }
      const [beforeSeq] = cursor === undefined ? [] : decodeCursor(filters, cursor, ['number'])
      const rows = await listEntries(this.#db, actor.orgId, { filter, beforeSeq, limit: limit + 1 })
      return toPage(rows, limit, { filters, key: (row) => [row.seq], item: toJournalEntry })
    })
  }

  async verify(actor: Actor): Promise<ChainVerification> {
    return this.#gate.run(actor, { permission: 'journal:verify' }, () => this.#verifyOnce(actor.orgId))
  }
  // Reads the whole chain: whoever asks while one is under way gets the answer of that one.
  #verifyOnce(orgId: OrgId): Promise<ChainVerification> {
    const underWay = this.#verifying.get(orgId)
    if (underWay !== undefined) return underWay
    const verifying = verifyChain(this.#db, orgId).finally(() => this.#verifying.delete(orgId))
    this.#verifying.set(orgId, verifying)
    return verifying
  }
}
