import type { Db } from '../db/database.js'
import { findHead, listEntriesForward } from '../db/repositories/journal.repository.js'
import type { JournalEntriesTable } from '../db/tables/journal.table.js'
import type { OrgId } from '../model/ids.js'
import type { ChainBreak, ChainVerification } from '../model/journal.js'
import { digestDetails, GENESIS, hashLink, type Link } from './entry.js'

const PAGE = 1_000

/**
 * Recomputes an organization's whole chain from its first entry and names the first break.
 *
 * Reads page by page, so it takes a constant amount of memory, and entries appended meanwhile do not disturb it.
 */
export async function verifyChain(db: Db, orgId: OrgId): Promise<ChainVerification> {
  const head = (await findHead(db, orgId)) ?? GENESIS
  const walk = new ChainWalk(head)
  for (;;) {
    const page = await listEntriesForward(db, orgId, { afterSeq: walk.prev.seq, limit: PAGE })
    if (!page.every((row) => walk.accept(row)) || page.length < PAGE) break
  }
  const firstBreak = walk.finish()
  return {
    orgId,
    ok: firstBreak === null,
    entries: walk.prev.seq,
    erased: walk.erased,
    headSeq: head.seq,
    headHash: head.hash,
    firstBreak,
  }
}

/** Follows a chain entry by entry and remembers the first break. */
class ChainWalk {
  prev: Link = GENESIS
  erased = 0
  readonly #head: Link
  #firstBreak: ChainVerification['firstBreak'] = null

  constructor(head: Link) {
    this.#head = head
  }

  /** False at the first row that does not fit. */
  accept(row: JournalEntriesTable): boolean {
    const kind = findBreak(row, this.prev) ?? this.#headBreak(row)
    if (kind) {
      this.#firstBreak = { seq: kind === 'gap' ? this.prev.seq + 1 : row.seq, kind }
      return false
    }
    if (row.details === null) this.erased += 1
    this.prev = row
    return true
  }

  finish(): ChainVerification['firstBreak'] {
    const short = this.prev.seq < this.#head.seq
    return this.#firstBreak ?? (short ? { seq: this.prev.seq + 1, kind: 'head' } : null)
  }

  // Entries beyond the head were appended while reading; the one at the head must be the head.
  #headBreak(row: JournalEntriesTable): ChainBreak | undefined {
    return row.seq === this.#head.seq && row.hash !== this.#head.hash ? 'head' : undefined
  }
}

/** Checks one row against the link before it; undefined when it is sound. */
function findBreak(row: JournalEntriesTable, prev: Link): ChainBreak | undefined {
  if (row.seq !== prev.seq + 1) return 'gap'
  if (row.prev_hash !== prev.hash) return 'link'
  const link = { orgId: row.org_id, seq: row.seq, prevHash: row.prev_hash, text: row.text }
  if (hashLink(link) !== row.hash) return 'hash'
  const said = JSON.parse(row.text) as SaidText
  if (!columnsAgree(row, said)) return 'columns'
  return detailsAgree(row, said.detailsDigest) ? undefined : 'details'
}

interface SaidText {
  readonly id: string
  readonly at: string
  readonly action: string
  readonly outcome: string
  readonly actor: { readonly userId: string }
  readonly resource?: { readonly id: string }
  readonly detailsDigest: string
}

function columnsAgree(row: JournalEntriesTable, said: SaidText): boolean {
  return (
    row.id === said.id &&
    row.at === Date.parse(said.at) &&
    row.action === said.action &&
    row.outcome === said.outcome &&
    row.actor_user_id === said.actor.userId &&
    row.resource_id === (said.resource?.id ?? null)
  )
}

// Both gone is an erasure; one of them gone is not.
function detailsAgree({ salt, details }: JournalEntriesTable, digest: string): boolean {
  if (salt === null || details === null) return salt === details
  return digestDetails(salt, details) === digest
}
