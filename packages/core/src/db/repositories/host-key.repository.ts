import { sql } from 'kysely'
import type { HostKeyMark, HostKeyQuery, HostKeySource, KnownHostKey } from '../../model/host-key.js'
import type { HostKeyId, OrgId, TargetId, UserId } from '../../model/ids.js'
import type { Page } from '../../model/page.js'
import type { Db, Trx } from '../database.js'
import type { KnownHostKeysTable } from '../tables/inventory.table.js'
import { pageNewestFirst } from './newest-first.js'
import { toIso } from './timestamps.js'

/** Which host of an organization; `via` is null when it is dialled directly. */
export interface HostPlaceKey {
  readonly host: string
  readonly port: number
  readonly via: TargetId | null
}

/** A place, and whose keys of it: a user's own, or with null those of the organization. */
export interface HostPlaceScope extends HostPlaceKey {
  readonly userId: UserId | null
}

export interface HostKeyPin {
  readonly id: HostKeyId
  readonly kind: 'exact' | 'pattern'
  /** Null when it is pinned for the whole organization. */
  readonly userId: UserId | null
  readonly host: string
  readonly via: TargetId | null
  readonly algorithm: string
  readonly fingerprint: string
  readonly mark: HostKeyMark
  readonly source: HostKeySource
}

const PIN_COLUMNS = [
  'id',
  'host_kind',
  'user_scope',
  'host',
  'via',
  'algorithm',
  'fingerprint',
  'mark',
  'source',
] as const

/**
 * What decides about a key that a host shows: the keys that are trusted for this place, and this very key wherever it is
 * revoked: on another way to the host, or by any pattern, also one of other hosts.
 */
export async function listPinsFor(
  db: Db,
  orgId: OrgId,
  at: HostPlaceKey & { userId: UserId; fingerprint: string },
): Promise<HostKeyPin[]> {
  const revoked = db
    .selectFrom('known_host_keys')
    .select(PIN_COLUMNS)
    .where('org_id', '=', orgId)
    .where('fingerprint', '=', at.fingerprint)
    .where('mark', '=', 'revoked')
  const ofHost = revoked
    .where('host', '=', at.host)
    .where('port', '=', at.port)
    .where('host_kind', '=', 'exact')
    .where('user_scope', 'in', ['', at.userId])
  const patterns = revoked.where('host_kind', '=', 'pattern')
  const pins = trustedPins(db, orgId, { ...at, scopes: ['', at.userId] })
  return (await pins.unionAll(ofHost).unionAll(patterns).execute()).map(toPin)
}

/** The keys that are trusted for a place, by the organization and by this user. */
export async function listPinsTrustedBy(
  db: Db,
  orgId: OrgId,
  at: HostPlaceKey & { userId: UserId },
): Promise<HostKeyPin[]> {
  return (await trustedPins(db, orgId, { ...at, scopes: ['', at.userId] }).execute()).map(toPin)
}

/** The keys that are trusted for one place and scope. */
export async function listTrustedPinsAt(db: Db, orgId: OrgId, at: HostPlaceScope): Promise<HostKeyPin[]> {
  return (await trustedPins(db, orgId, { ...at, scopes: [at.userId ?? ''] }).execute()).map(toPin)
}

/** One key of one place and scope, whatever its mark. */
export async function findPin(
  db: Db,
  orgId: OrgId,
  at: HostPlaceScope & { readonly fingerprint: string },
): Promise<HostKeyPin | undefined> {
  const row = await db
    .selectFrom('known_host_keys')
    .select(PIN_COLUMNS)
    .where('org_id', '=', orgId)
    .where('host', '=', at.host)
    .where('port', '=', at.port)
    .where('via', '=', at.via ?? '')
    .where('user_scope', '=', at.userId ?? '')
    .where('fingerprint', '=', at.fingerprint)
    .executeTakeFirst()
  return row && toPin(row)
}

/** What one user pinned, whatever the marks. */
export async function countPinsOfUser(db: Db, orgId: OrgId, userId: UserId): Promise<number> {
  const row = await db
    .selectFrom('known_host_keys')
    .select((eb) => eb.fn.countAll<number>().as('pins'))
    .where('org_id', '=', orgId)
    .where('user_scope', '=', userId)
    .executeTakeFirstOrThrow()
  return Number(row.pins)
}

/** Patterns of the organization whose keys are trusted, in an order in which `after` goes on. */
export async function listTrustedPatterns(
  db: Db,
  orgId: OrgId,
  { after, limit }: { after: HostKeyId | null; limit: number },
): Promise<HostKeyPin[]> {
  let query = db
    .selectFrom('known_host_keys')
    .select(PIN_COLUMNS)
    .where('org_id', '=', orgId)
    .where('host_kind', '=', 'pattern')
    .where('mark', '=', 'trusted')
  if (after !== null) query = query.where('id', '>', after)
  return (await query.orderBy('id').limit(limit).execute()).map(toPin)
}

/** The organization's keys of these hosts and patterns, to be compared with what is to be added. */
export async function listPinsOfHosts(
  db: Db,
  orgId: OrgId,
  hosts: readonly string[],
): Promise<(HostKeyPin & { readonly port: number })[]> {
  if (hosts.length === 0) return []
  const rows = await db
    .selectFrom('known_host_keys')
    .select([...PIN_COLUMNS, 'port'])
    .where('org_id', '=', orgId)
    .where('user_scope', '=', '')
    .where('host', 'in', hosts)
    .execute()
  return rows.map((row) => ({ ...toPin(row), port: row.port }))
}

/** The organization's keys of these places and patterns, on all ways; fewer than a thousand. */
export async function listPinsOfPlaces(
  db: Db,
  orgId: OrgId,
  places: readonly Pick<HostPlaceKey, 'host' | 'port'>[],
): Promise<(HostKeyPin & { readonly port: number })[]> {
  if (places.length === 0) return []
  const values = places.map(({ host, port }) => sql`(${host}, cast(${port} as integer))`)
  const rows = await db
    .selectFrom('known_host_keys')
    .select([...PIN_COLUMNS, 'port'])
    .where('org_id', '=', orgId)
    .where('user_scope', '=', '')
    .where(sql<boolean>`(host, port) in (values ${sql.join(values)})`)
    .execute()
  return rows.map((row) => ({ ...toPin(row), port: row.port }))
}

/** What the organization knows, whatever the marks. */
export async function countPinsOfOrg(db: Db, orgId: OrgId): Promise<{ pins: number; patterns: number }> {
  const ofOrg = db
    .selectFrom('known_host_keys')
    .select((eb) => eb.fn.countAll<number>().as('keys'))
    .where('org_id', '=', orgId)
  const all = await ofOrg.where('user_scope', '=', '').executeTakeFirstOrThrow()
  const patterns = await ofOrg.where('host_kind', '=', 'pattern').executeTakeFirstOrThrow()
  return { pins: Number(all.keys) - Number(patterns.keys), patterns: Number(patterns.keys) }
}

export async function findHostKey(db: Db, orgId: OrgId, id: HostKeyId): Promise<KnownHostKey | undefined> {
  const row = await keysOf(db, orgId).where('k.id', '=', id).executeTakeFirst()
  return row && toKnownHostKey(row)
}

/** With what their users and jump hosts are called. */
function keysOf(db: Db, orgId: OrgId) {
  return db
    .selectFrom('known_host_keys as k')
    .leftJoin('users as u', (join) => join.on('u.id', '=', sql<UserId>`k.user_scope`))
    .leftJoin('targets as t', (join) =>
      join.onRef('t.org_id', '=', 'k.org_id').on('t.id', '=', sql<TargetId>`k.via`),
    )
    .selectAll('k')
    .select((eb) => [eb.fn.coalesce('u.username', 'u.display_name').as('owner_name'), 't.name as via_name'])
    .where('k.org_id', '=', orgId)
}

/** @param list.owner Only what is pinned for this user alone; left out: every key of the organization. */
export async function listHostKeys(
  db: Db,
  orgId: OrgId,
  { query, owner }: { query: HostKeyQuery; owner: UserId | undefined },
): Promise<Page<KnownHostKey>> {
  const { host, mark } = query
  const filters = { list: 'known_host_keys', host, mark }
  let select = keysOf(db, orgId)
  if (owner !== undefined) select = select.where('k.user_scope', '=', owner)
  if (host !== undefined) select = select.where('k.host', '=', host)
  if (mark !== undefined) select = select.where('k.mark', '=', mark)
  return pageNewestFirst(select, { query, filters, column: 'k.id', item: toKnownHostKey })
}

export async function insertPins(
  trx: Trx,
  _orgId: OrgId,
  rows: readonly KnownHostKeysTable[],
): Promise<void> {
  if (rows.length > 0) await trx.insertInto('known_host_keys').values(rows).execute()
}

export async function markHostKeys(
  trx: Trx,
  orgId: OrgId,
  change: {
    ids: readonly HostKeyId[]
    set: Partial<Pick<KnownHostKeysTable, 'mark' | 'reason' | 'source' | 'pinned_by'>>
  },
): Promise<void> {
  if (change.ids.length === 0) return
  await trx
    .updateTable('known_host_keys')
    .set(change.set)
    .where('org_id', '=', orgId)
    .where('id', 'in', change.ids)
    .execute()
}

/** Says of which type a key is, wherever it is pinned as one of the type `before`. */
export async function setTypeOfKey(
  trx: Trx,
  orgId: OrgId,
  key: { readonly fingerprint: string; readonly algorithm: string; readonly before: string },
): Promise<void> {
  await trx
    .updateTable('known_host_keys')
    .set({ algorithm: key.algorithm })
    .where('org_id', '=', orgId)
    .where('fingerprint', '=', key.fingerprint)
    .where('algorithm', '=', key.before)
    .execute()
}

export async function deleteHostKeys(trx: Trx, orgId: OrgId, ids: readonly HostKeyId[]): Promise<void> {
  if (ids.length === 0) return
  await trx.deleteFrom('known_host_keys').where('org_id', '=', orgId).where('id', 'in', ids).execute()
}

function trustedPins(
  db: Db,
  orgId: OrgId,
  { host, port, via, scopes }: HostPlaceKey & { scopes: readonly (UserId | '')[] },
) {
  return db
    .selectFrom('known_host_keys')
    .select(PIN_COLUMNS)
    .where('org_id', '=', orgId)
    .where('host', '=', host)
    .where('port', '=', port)
    .where('via', '=', via ?? '')
    .where('user_scope', 'in', scopes)
    .where('mark', '=', 'trusted')
}

function toPin(row: Pick<KnownHostKeysTable, (typeof PIN_COLUMNS)[number]>): HostKeyPin {
  return {
    id: row.id,
    kind: row.host_kind,
    userId: row.user_scope === '' ? null : row.user_scope,
    host: row.host,
    via: row.via === '' ? null : row.via,
    algorithm: row.algorithm,
    fingerprint: row.fingerprint,
    mark: row.mark,
    source: row.source,
  }
}

function toKnownHostKey(
  row: KnownHostKeysTable & { owner_name: string | null; via_name: string | null },
): KnownHostKey {
  return {
    id: row.id,
    orgId: row.org_id,
    userId: row.user_scope === '' ? null : row.user_scope,
    ownerName: row.owner_name,
    host: row.host,
    port: row.port,
    viaTargetId: row.via === '' ? null : row.via,
    viaTargetName: row.via_name,
    algorithm: row.algorithm,
    fingerprint: row.fingerprint,
    mark: row.mark,
    source: row.source,
    reason: row.reason,
    pinnedBy: row.pinned_by,
    createdAt: toIso(row.created_at),
  }
}
