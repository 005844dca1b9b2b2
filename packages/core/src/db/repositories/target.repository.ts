import { type Insertable, sql } from 'kysely'
import type { CredentialKind } from '../../model/credential.js'
import type { OrgId, TargetId } from '../../model/ids.js'
import type { Target } from '../../model/target.js'
import type { Db, Trx } from '../database.js'
import type { TargetsTable } from '../tables/inventory.table.js'
import { toIso } from './timestamps.js'

/** A target as it is stored: what is known of its host key is kept elsewhere. */
export type StoredTarget = Omit<Target, 'hostKeyFingerprints' | 'credentialName' | 'jumpTargetName'>

/** With what its credential is, null when it has none. */
export interface TargetWithKind extends StoredTarget {
  readonly credentialKind: CredentialKind | null
}

export async function insertTarget(trx: Trx, _orgId: OrgId, row: Insertable<TargetsTable>): Promise<void> {
  await trx.insertInto('targets').values(row).execute()
}

/** Several at once; fewer than a thousand. */
export async function insertTargets(
  trx: Trx,
  _orgId: OrgId,
  rows: readonly Insertable<TargetsTable>[],
): Promise<void> {
  if (rows.length > 0)
    await trx
      .insertInto('targets')
      .values([...rows])
      .execute()
}

/** Those that there are; fewer than a thousand names. */
export async function findTargetsByName(
  db: Db,
  orgId: OrgId,
  names: readonly string[],
): Promise<StoredTarget[]> {
  const rows = await db
    .selectFrom('targets')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('name', 'in', [...names])
    .execute()
  return rows.map(toTarget)
}

export async function findTarget(db: Db, orgId: OrgId, id: TargetId): Promise<StoredTarget | undefined> {
  const row = await db
    .selectFrom('targets')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toTarget(row)
}

export type TargetChanges = Partial<Omit<TargetsTable, 'id' | 'org_id' | 'created_at'>>

const CHANGED = [
  'name',
  'host',
  'port',
  'username',
  'tags',
  'credential_id',
  'jump_target_id',
  'legacy_algorithms',
  'description',
  'updated_at',
] as const satisfies readonly (keyof TargetChanges)[]

export async function updateTarget(
  trx: Trx,
  orgId: OrgId,
  update: { id: TargetId; set: TargetChanges },
): Promise<void> {
  await trx
    .updateTable('targets')
    .set(update.set)
    .where('org_id', '=', orgId)
    .where('id', '=', update.id)
    .execute()
}

/** Several whole rows that are there; fewer than a thousand. No other row changes, whatever its id. */
export async function updateTargets(
  trx: Trx,
  orgId: OrgId,
  rows: readonly Insertable<TargetsTable>[],
): Promise<void> {
  if (rows.length === 0) return
  // An update of many rows is spelled in two ways; what takes the place of a row is not.
  await trx
    .insertInto('targets')
    .values([...rows])
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet((eb) =>
          Object.fromEntries(CHANGED.map((column) => [column, eb.ref(`excluded.${column}`)])),
        )
        .where('targets.org_id', '=', orgId),
    )
    .execute()
}

export async function deleteTarget(trx: Trx, orgId: OrgId, id: TargetId): Promise<void> {
  await trx.deleteFrom('targets').where('org_id', '=', orgId).where('id', '=', id).execute()
}

export async function countTargets(db: Db, orgId: OrgId): Promise<number> {
  const row = await db
    .selectFrom('targets')
    .select((eb) => eb.fn.countAll<number>().as('targets'))
    .where('org_id', '=', orgId)
    .executeTakeFirstOrThrow()
  return Number(row.targets)
}

/** Newest first, older than `before`. */
export async function listTargetsBefore(
  db: Db,
  orgId: OrgId,
  { before, limit }: { before: TargetId | undefined; limit: number },
): Promise<TargetWithKind[]> {
  let query = db
    .selectFrom('targets as t')
    .leftJoin('credentials as c', (join) =>
      join.onRef('c.org_id', '=', 't.org_id').onRef('c.id', '=', 't.credential_id'),
    )
    .selectAll('t')
    .select('c.kind as credential_kind')
    .where('t.org_id', '=', orgId)
  if (before !== undefined) query = query.where('t.id', '<', before)
  const rows = await query.orderBy('t.id', 'desc').limit(limit).execute()
  return rows.map((row) => ({ ...toTarget(row), credentialKind: row.credential_kind }))
}

/** What the credentials and jump hosts of these targets are called, by id; at most one statement. */
export async function listNamesFor(
  db: Db,
  orgId: OrgId,
  targets: readonly Pick<StoredTarget, 'credentialId' | 'jumpTargetId'>[],
): Promise<Map<string, string>> {
  const [first, ...others] = [
    { table: 'credentials' as const, ids: unique(targets.map(({ credentialId }) => credentialId)) },
    { table: 'targets' as const, ids: unique(targets.map(({ jumpTargetId }) => jumpTargetId)) },
  ].flatMap((wanted) => (wanted.ids.length === 0 ? [] : [namesIn(db, orgId, wanted)]))
  if (!first) return new Map()
  const rows = await others.reduce((all, one) => all.unionAll(one), first).execute()
  return new Map(rows.map(({ id, name }) => [id, name]))
}

function namesIn(
  db: Db,
  orgId: OrgId,
  { table, ids }: { table: 'credentials' | 'targets'; ids: readonly string[] },
) {
  return db
    .selectFrom(table)
    .select([sql<string>`id`.as('id'), 'name'])
    .where('org_id', '=', orgId)
    .where(sql<string>`id`, 'in', ids)
}

function unique<Id>(ids: readonly (Id | null)[]): Id[] {
  return [...new Set(ids.filter((id) => id !== null))]
}

/** One that is reached through this one; undefined when none is. */
export async function findNameBehind(db: Db, orgId: OrgId, id: TargetId): Promise<string | undefined> {
  const row = await db
    .selectFrom('targets')
    .select('name')
    .where('org_id', '=', orgId)
    .where('jump_target_id', '=', id)
    .limit(1)
    .executeTakeFirst()
  return row?.name
}

function toTarget(row: TargetsTable): StoredTarget {
  return {
    id: row.id,
    orgId: row.org_id,
    name: row.name,
    host: row.host,
    port: row.port,
    username: row.username,
    tags: JSON.parse(row.tags) as string[],
    credentialId: row.credential_id,
    jumpTargetId: row.jump_target_id,
    legacyAlgorithms: row.legacy_algorithms === 1,
    description: row.description,
    createdAt: toIso(row.created_at),
    updatedAt: toIso(row.updated_at),
  }
}
