import { type Insertable, type Selectable, sql } from 'kysely'
import type { NodeId, OrgId, RecordingId, SessionId, UserId } from '../../model/ids.js'
import { DEFAULT_PAGE_LIMIT, type Page } from '../../model/page.js'
import type { Recording, RecordingQuery, RecordingStatus } from '../../model/recording.js'
import type { Db, Trx } from '../database.js'
import type { RecordingsTable } from '../tables/recording.table.js'
import type { Tables } from '../tables/tables.js'
import { decodeCursor, toPage } from './cursor.js'
import { toIso, toIsoOrNull } from './timestamps.js'

/** Does nothing when the row is there: commands that begin together each bring it along. */
export function insertRecordingQuery(db: Db, _orgId: OrgId, row: Insertable<RecordingsTable>) {
  return db
    .insertInto('recordings')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doNothing())
}

export type RecordingResult = Pick<
  RecordingsTable,
  'status' | 'file_bytes' | 'plain_bytes' | 'sha256' | 'lost_bytes' | 'duration_ms' | 'ended_at'
>

/** Writes how a recording ended; what has ended stays as it is. */
export function finishRecordingQuery(
  db: Db,
  orgId: OrgId,
  update: { id: RecordingId; set: Partial<RecordingResult> },
) {
  return db
    .updateTable('recordings')
    .set(update.set)
    .where('org_id', '=', orgId)
    .where('id', '=', update.id)
    .where('status', '=', 'recording')
}

export async function findRecording(db: Db, orgId: OrgId, id: RecordingId): Promise<Recording | undefined> {
  const row = await db
    .selectFrom('recordings')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toRecording(row)
}

/** @param options.owner Only this user's recordings; undefined for the whole organization. */
export async function listRecordings(
  db: Db,
  orgId: OrgId,
  options: { query: RecordingQuery; owner: UserId | undefined },
): Promise<Page<Recording>> {
  const { limit = DEFAULT_PAGE_LIMIT, cursor, ...given } = options.query
  const filters = { list: 'recordings', ...given }
  let query = db.selectFrom('recordings').selectAll().where('org_id', '=', orgId)
  if (options.owner !== undefined) query = query.where('user_id', '=', options.owner)
  if (filters.sessionId !== undefined) query = query.where('session_id', '=', filters.sessionId)
  if (filters.userId !== undefined) query = query.where('user_id', '=', filters.userId)
  if (filters.kind !== undefined) query = query.where('kind', '=', filters.kind)
  if (filters.status !== undefined) query = query.where('status', '=', filters.status)
  if (cursor !== undefined) {
    const [startedAt, id] = decodeCursor(filters, cursor, ['number', 'string'])
    query = query.where((eb) =>
      eb(eb.refTuple('started_at', 'id'), '<', eb.tuple(startedAt, id as RecordingId)),
    )
  }
  const rows = await query
    .orderBy('started_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
  return toPage(rows, limit, { filters, key: (row) => [row.started_at, row.id], item: toRecording })
}

export interface OrphanRecording {
  readonly id: RecordingId
  readonly orgId: OrgId
  readonly userId: UserId
  readonly sessionId: SessionId
}

/** Recordings that no living process goes on with, of every organization: for the sweep. */
export async function listOrphanRecordingsAcrossOrgs(
  db: Db,
  options: { livingNodes: readonly NodeId[]; limit: number },
): Promise<OrphanRecording[]> {
  let query = db
    .selectFrom('recordings')
    .select(['id', 'org_id as orgId', 'user_id as userId', 'session_id as sessionId'])
    .where('status', '=', sql.lit('recording'))
  if (options.livingNodes.length > 0) query = query.where('node_id', 'not in', options.livingNodes)
  return query.limit(options.limit).execute()
}

/** Recordings that ended before that moment and are still there, of every organization, oldest first. */
export async function listExpiredRecordingsAcrossOrgs(
  db: Db,
  options: { endedBefore: number; limit: number },
): Promise<Recording[]> {
  const rows = await db
    .selectFrom('recordings')
    .selectAll()
    .where('deleted_at', 'is', null)
    .where('ended_at', '<', options.endedBefore)
    .orderBy('ended_at')
    .orderBy('id')
    .limit(options.limit)
    .execute()
  return rows.map(toRecording)
}

/**
 * Destroys its key and leaves a tombstone.
 *
 * @param options.evenIfOpen Nobody records it any more, whatever its row says.
 * @returns False while it is recorded, and when it is one already.
 */
export async function buryRecording(
  trx: Trx,
  orgId: OrgId,
  { id, at, evenIfOpen = false }: { id: RecordingId; at: number; evenIfOpen?: boolean },
): Promise<boolean> {
  const ended: RecordingStatus[] = ['closed', 'incomplete']
  const { numUpdatedRows } = await trx
    .updateTable('recordings')
    .set({ status: 'deleted', sealed_key: null, key_id: null, deleted_at: at })
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .where('status', 'in', evenIfOpen ? [...ended, 'recording'] : ended)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** Bytes of all files that are kept; of those that grow nothing. */
export async function sumRecordingBytesAcrossOrgs(db: Db): Promise<number> {
  const row = await db
    .selectFrom('recordings')
    .select((eb) => eb.fn.sum<number | null>('file_bytes').as('bytes'))
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow()
  return Number(row.bytes ?? 0)
}

/** The key of a file as it is stored. */
export interface SealedRecordingKey {
  readonly orgId: OrgId
  readonly id: RecordingId
  readonly sealedKey: string
}

export async function findRecordingKey(
  db: Db,
  orgId: OrgId,
  id: RecordingId,
): Promise<SealedRecordingKey | undefined> {
  const row = await db
    .selectFrom('recordings')
    .select(['id', 'org_id', 'sealed_key'])
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toSealedKeys(row).at(0)
}

/** False before the migration that makes the table. */
export async function hasRecordingsAcrossOrgs(db: Db): Promise<boolean> {
  const tables = await db.introspection.getTables()
  return tables.some(({ name }) => name === ('recordings' satisfies keyof Tables))
}

/** How many recordings each master key encrypts the keys of. */
export async function countRecordingsByMasterKeyAcrossOrgs(
  db: Db,
): Promise<{ readonly keyId: string; readonly secrets: number }[]> {
  const rows = await db
    .selectFrom('recordings')
    .select((eb) => ['key_id', eb.fn.countAll<number>().as('recordings')])
    .where('key_id', 'is not', null)
    .groupBy('key_id')
    .execute()
  return rows.flatMap(({ key_id, recordings }) =>
    key_id === null ? [] : [{ keyId: key_id, secrets: Number(recordings) }],
  )
}

/** Some of the keys that a master key encrypts, for a rotation. */
export async function listRecordingKeysOfMasterKeyAcrossOrgs(
  db: Db,
  { keyId, limit }: { keyId: string; limit: number },
): Promise<SealedRecordingKey[]> {
  const rows = await db
    .selectFrom('recordings')
    .select(['id', 'org_id', 'sealed_key'])
    .where('key_id', '=', keyId)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.flatMap(toSealedKeys)
}

/** Puts the same key there, encrypted anew; does nothing when it was destroyed meanwhile. */
export async function replaceRecordingKey(
  trx: Trx,
  orgId: OrgId,
  { id, sealedKey, keyId }: Omit<SealedRecordingKey, 'orgId'> & { keyId: string },
): Promise<void> {
  await trx
    .updateTable('recordings')
    .set({ sealed_key: sealedKey, key_id: keyId })
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .where('sealed_key', 'is not', null)
    .execute()
}

function toSealedKeys(row: Pick<RecordingsTable, 'id' | 'org_id' | 'sealed_key'>): SealedRecordingKey[] {
  return row.sealed_key === null ? [] : [{ id: row.id, orgId: row.org_id, sealedKey: row.sealed_key }]
}

function toRecording(row: Selectable<RecordingsTable>): Recording {
  return {
    id: row.id,
    orgId: row.org_id,
    sessionId: row.session_id,
    userId: row.user_id,
    kind: row.kind,
    commandId: row.command_id,
    status: row.status,
    startedAt: toIso(row.started_at),
    endedAt: toIsoOrNull(row.ended_at),
    durationMs: row.duration_ms,
    fileBytes: row.file_bytes,
    plainBytes: row.plain_bytes,
    sha256: row.sha256,
    lostBytes: row.lost_bytes,
    deletedAt: toIsoOrNull(row.deleted_at),
  }
}
