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
  const before = (await findHead(db, orgId)) ?? GENESIS
  const walk = new ChainWalk(before)
  for (;;) {
    const page = await listEntriesForward(db, orgId, { afterSeq: walk.prev.seq, limit: PAGE })
    if (!page.every((row) => walk.accept(row)) || page.length < PAGE) break
  }
  // An entry and the head commit together: what was read cannot lie beyond the head of now.
  const after = (await findHead(db, orgId)) ?? GENESIS
  const firstBreak = walk.finish(after)
  const head = firstBreak ? after : walk.prev
  return {
    orgId,
    ok: firstBreak === null,
    entries: firstBreak ? firstBreak.seq - 1 : walk.prev.seq,
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

  /** @param head As it was before the first entry was read: the entries must reach it. */
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

  /** @param head As it is after the last entry was read: no entry may lie beyond it. */
  finish(head: Link): ChainVerification['firstBreak'] {
    if (this.#firstBreak) return this.#firstBreak
    if (this.prev.seq < this.#head.seq) return { seq: this.prev.seq + 1, kind: 'head' }
    return this.prev.seq > head.seq ? { seq: head.seq + 1, kind: 'head' } : null
  }

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
  const said = readText(row.text)
  if (!said || !columnsAgree(row, said)) return 'columns'
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

// A right hash proves that the text was not changed, not that it was ever an entry.
function readText(text: string): SaidText | undefined {
  try {
    const said = JSON.parse(text) as Partial<SaidText> | null
    return said?.actor ? (said as SaidText) : undefined
  } catch {
    return undefined
  }
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
