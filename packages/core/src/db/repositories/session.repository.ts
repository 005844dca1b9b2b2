import { type Insertable, sql } from 'kysely'
import type { NodeId, OrgId, SessionId, TargetId, UserId } from '../../model/ids.js'
import type { Page } from '../../model/page.js'
import type { Session, SessionQuery, SessionStatus } from '../../model/session.js'
import type { Db } from '../database.js'
import type { SessionsTable } from '../tables/session.table.js'
import { pageNewestFirst } from './newest-first.js'
import { toIso, toIsoOrNull } from './timestamps.js'

export function insertSessionQuery(db: Db, _orgId: OrgId, row: Insertable<SessionsTable>) {
  return db.insertInto('sessions').values(row)
}

export type SessionChanges = Partial<
  Pick<
    SessionsTable,
    | 'status'
    | 'status_reason'
    | 'host_key_fingerprint'
    | 'host_key_newly_pinned'
    | 'connected_at'
    | 'last_activity_at'
    | 'ended_at'
    | 'bytes_in'
    | 'bytes_out'
  >
>

/** Changes a session that has not ended; what has ended stays as it is. */
export function updateLiveSessionQuery(db: Db, orgId: OrgId, update: { id: SessionId; set: SessionChanges }) {
  return db
    .updateTable('sessions')
    .set(update.set)
    .where('org_id', '=', orgId)
    .where('id', '=', update.id)
    .where('ended_at', 'is', null)
}

export async function findSession(db: Db, orgId: OrgId, id: SessionId): Promise<Session | undefined> {
  const row = await sessionsOf(db, orgId).where('s.id', '=', id).executeTakeFirst()
  return row && toSession(row)
}

/** The targets of sessions; null for an ad hoc host, and nothing for what the organization does not have. */
export async function findTargetsOfSessions(
  db: Db,
  orgId: OrgId,
  ids: readonly SessionId[],
): Promise<Map<SessionId, TargetId | null>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('sessions')
    .select(['id', 'target_id'])
    .where('org_id', '=', orgId)
    .where('id', 'in', ids)
    .execute()
  return new Map(rows.map((row) => [row.id, row.target_id]))
}

/** With what their owners and targets are called. */
function sessionsOf(db: Db, orgId: OrgId) {
  return db
    .selectFrom('sessions as s')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .leftJoin('targets as t', (join) =>
      join.onRef('t.org_id', '=', 's.org_id').onRef('t.id', '=', 's.target_id'),
    )
    .selectAll('s')
    .select((eb) => [
      eb.fn.coalesce('u.username', 'u.display_name').as('owner_name'),
      't.name as target_name',
    ])
    .where('s.org_id', '=', orgId)
}

/** Live sessions of the user and of the whole organization. */
export async function countLiveSessions(
  db: Db,
  orgId: OrgId,
  userId: UserId,
): Promise<{ ofUser: number; ofOrg: number }> {
  const row = await db
    .selectFrom('sessions')
    .select((eb) => [
      eb.fn.countAll<number>().as('of_org'),
      sql<number>`count(case when user_id = ${userId} then 1 end)`.as('of_user'),
    ])
    .where('org_id', '=', orgId)
    .where('ended_at', 'is', null)
    .executeTakeFirstOrThrow()
  return { ofUser: Number(row.of_user), ofOrg: Number(row.of_org) }
}

/** Finds a row as long as the user and the whole organization have fewer live sessions than that. */
export function roomForSessionQuery(
  db: Db,
  orgId: OrgId,
  { userId, perUser, perOrg }: { userId: UserId; perUser: number; perOrg: number },
) {
  return db
    .selectFrom('sessions')
    .select((eb) => eb.fn.countAll<number>().as('of_org'))
    .where('org_id', '=', orgId)
    .where('ended_at', 'is', null)
    .having((eb) => eb.fn.countAll<number>(), '<', perOrg)
    .having(sql<number>`count(case when user_id = ${userId} then 1 end)`, '<', perUser)
}

/** @param owner Only this user's sessions; undefined for the whole organization. */
export async function listSessions(
  db: Db,
  orgId: OrgId,
  options: { query: SessionQuery; owner: UserId | undefined },
): Promise<Page<Session>> {
  const { userId, status, targetId, host } = options.query
  const filters = { list: 'sessions', userId, status, targetId, host }
  let query = sessionsOf(db, orgId)
  if (options.owner !== undefined) query = query.where('s.user_id', '=', options.owner)
  if (filters.userId !== undefined) query = query.where('s.user_id', '=', filters.userId)
  if (filters.status !== undefined) query = query.where('s.status', '=', filters.status)
  if (filters.targetId !== undefined) query = query.where('s.target_id', '=', filters.targetId)
  if (filters.host !== undefined) query = query.where('s.host', '=', filters.host.toLowerCase())
  return pageNewestFirst(query, { query: options.query, filters, column: 's.id', item: toSession })
}

export interface OrphanSession {
  readonly id: SessionId
  readonly orgId: OrgId
  readonly userId: UserId
  readonly status: SessionStatus
}

/** Sessions that no living process holds, of every organization: for the sweep. */
export async function listOrphanSessionsAcrossOrgs(
  db: Db,
  options: { livingNodes: readonly NodeId[]; limit: number },
): Promise<OrphanSession[]> {
  let query = db
    .selectFrom('sessions')
    .select(['id', 'org_id as orgId', 'user_id as userId', 'status'])
    .where('ended_at', 'is', null)
  if (options.livingNodes.length > 0) query = query.where('node_id', 'not in', options.livingNodes)
  return query.limit(options.limit).execute()
}

function toSession(row: SessionsTable & { owner_name: string; target_name: string | null }): Session {
  return {
    id: row.id,
    orgId: row.org_id,
    userId: row.user_id,
    ownerName: row.owner_name,
    targetId: row.target_id,
    targetName: row.target_name,
    host: row.host,
    port: row.port,
    username: row.username,
    authMethod: row.auth_method,
    status: row.status,
    statusReason: row.status_reason,
    hostKeyFingerprint: row.host_key_fingerprint,
    hostKeyNewlyPinned: row.host_key_newly_pinned === 1,
    createdAt: toIso(row.created_at),
    connectedAt: toIsoOrNull(row.connected_at),
    lastActivityAt: toIsoOrNull(row.last_activity_at),
    endedAt: toIsoOrNull(row.ended_at),
    bytesIn: row.bytes_in,
    bytesOut: row.bytes_out,
  }
}
