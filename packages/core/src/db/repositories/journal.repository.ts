import { sql } from 'kysely'
import type { OrgId, UserId } from '../../model/ids.js'
import type { JournalOutcome } from '../../model/journal.js'
import type { Db, Trx } from '../database.js'
import type { JournalEntriesTable, JournalHeadsTable } from '../tables/journal.table.js'
import { containsText } from './search.js'

export function insertEntriesQuery(db: Db, _orgId: OrgId, rows: JournalEntriesTable[]) {
  return db.insertInto('journal_entries').values(rows)
}

/** Changes one row, or none when the head is not where the caller believes it to be. */
export function advanceHeadQuery(db: Db, orgId: OrgId, move: { from: Head; to: Head }) {
  return db
    .updateTable('journal_heads')
    .set(move.to)
    .where('org_id', '=', orgId)
    .where('seq', '=', move.from.seq)
    .where('hash', '=', move.from.hash)
}

export type Head = Pick<JournalHeadsTable, 'seq' | 'hash'>

export async function findHead(db: Db, orgId: OrgId): Promise<Head | undefined> {
  return db.selectFrom('journal_heads').select(['seq', 'hash']).where('org_id', '=', orgId).executeTakeFirst()
}

/** Row lock until commit on PostgreSQL, which makes the head the organization's mutex; SQLite has one writer. */
export async function lockHead(
  trx: Trx,
  orgId: OrgId,
  kind: 'sqlite' | 'postgres',
): Promise<Head | undefined> {
  const query = trx.selectFrom('journal_heads').select(['seq', 'hash']).where('org_id', '=', orgId)
  return (kind === 'postgres' ? query.forUpdate() : query).executeTakeFirst()
}

export async function insertHead(db: Db, orgId: OrgId, head: Head): Promise<void> {
  await db
    .insertInto('journal_heads')
    .values({ org_id: orgId, ...head })
    .onConflict((conflict) => conflict.column('org_id').doNothing())
    .execute()
}

export interface EntryFilter {
  readonly action?: string | undefined
  readonly actorUserId?: UserId | undefined
  readonly resourceId?: string | undefined
  readonly outcome?: JournalOutcome | undefined
  readonly search?: string | undefined
}

/** Newest first, older than `beforeSeq`. */
export async function listEntries(
  db: Db,
  orgId: OrgId,
  page: { filter: EntryFilter; beforeSeq?: number | undefined; limit: number },
): Promise<JournalEntriesTable[]> {
  const { filter, beforeSeq, limit } = page
  let query = db.selectFrom('journal_entries').selectAll().where('org_id', '=', orgId)
  if (filter.action !== undefined) query = query.where('action', '=', filter.action)
  if (filter.actorUserId !== undefined) query = query.where('actor_user_id', '=', filter.actorUserId)
  if (filter.resourceId !== undefined) query = query.where('resource_id', '=', filter.resourceId)
  if (filter.outcome !== undefined) query = query.where(hasOutcome(filter.outcome))
  const { search } = filter
  if (search !== undefined) {
    // Details are kept as JSON, where a quote, a backslash or a line break looks different.
    const inJson = JSON.stringify(search).slice(1, -1)
    query = query.where((eb) =>
      eb.or([containsText(sql.ref('action'), search), containsText(sql.ref('details'), inJson)]),
    )
  }
  if (beforeSeq !== undefined) query = query.where('seq', '<', beforeSeq)
  return query.orderBy('seq', 'desc').limit(limit).execute()
}

/** Repeats the condition of the index that has such rows: neither database finds it otherwise. */
function hasOutcome(outcome: JournalOutcome) {
  return outcome === 'success'
    ? sql<boolean>`outcome = 'success'`
    : sql<boolean>`outcome = ${outcome} and outcome <> 'success'`
}

/** Oldest first, newer than `afterSeq`: the order in which a chain is verified. */
export async function listEntriesForward(
  db: Db,
  orgId: OrgId,
  page: { afterSeq: number; limit: number },
): Promise<JournalEntriesTable[]> {
  return db
    .selectFrom('journal_entries')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('seq', '>', page.afterSeq)
    .orderBy('seq', 'asc')
    .limit(page.limit)
    .execute()
}

/** The hash stored at one place of the chain: tells whether a commit in doubt took place. */
export async function findHashAt(db: Db, orgId: OrgId, seq: number): Promise<string | undefined> {
  const row = await db
    .selectFrom('journal_entries')
    .select('hash')
    .where('org_id', '=', orgId)
    .where('seq', '=', seq)
    .executeTakeFirst()
  return row?.hash
}
