import type { Insertable } from 'kysely'
import type { AccessRule, AccessRuleQuery, AccessSubject, AccessVerb } from '../../model/access-rule.js'
import type { AccessRuleId, ApiTokenId, OrgId, UserId } from '../../model/ids.js'
import { DEFAULT_PAGE_LIMIT, type Page } from '../../model/page.js'
import type { Role } from '../../model/user.js'
import type { Db, Trx } from '../database.js'
import type { AccessRulesTable } from '../tables/inventory.table.js'
import { decodeCursor, toPage } from './cursor.js'
import { toIso, toIsoOrNull } from './timestamps.js'

/** What is told of a rule, less what the database adds. */
export type NewAccessRule = Omit<AccessRule, 'orgId' | 'createdAt' | 'expiresAt'> & {
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly expiresAt: number | null
}

export async function insertAccessRule(trx: Trx, orgId: OrgId, rule: NewAccessRule): Promise<void> {
  const row: Insertable<AccessRulesTable> = {
    id: rule.id,
    org_id: orgId,
    ...subjectColumns(rule.subject),
    ...toColumns(rule),
    granted_by: rule.grantedBy,
    created_at: rule.createdAt,
  }
  await trx.insertInto('access_rules').values(row).execute()
}

export async function findAccessRule(
  db: Db,
  orgId: OrgId,
  id: AccessRuleId,
): Promise<AccessRule | undefined> {
  const row = await db
    .selectFrom('access_rules')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toAccessRule(row)
}

export type AccessRuleChanges = Partial<
  Pick<NewAccessRule, 'selector' | 'verbs' | 'remoteUsernames' | 'expiresAt' | 'reason'>
>

export async function updateAccessRule(
  trx: Trx,
  orgId: OrgId,
  update: { id: AccessRuleId; set: AccessRuleChanges },
): Promise<void> {
  await trx
    .updateTable('access_rules')
    .set(toColumns(update.set))
    .where('org_id', '=', orgId)
    .where('id', '=', update.id)
    .execute()
}

export async function deleteAccessRule(trx: Trx, orgId: OrgId, id: AccessRuleId): Promise<void> {
  await trx.deleteFrom('access_rules').where('org_id', '=', orgId).where('id', '=', id).execute()
}

export async function countAccessRules(trx: Trx, orgId: OrgId): Promise<number> {
  const row = await trx
    .selectFrom('access_rules')
    .select((eb) => eb.fn.countAll<number>().as('rules'))
    .where('org_id', '=', orgId)
    .executeTakeFirstOrThrow()
  return Number(row.rules)
}

export async function listAccessRules(
  db: Db,
  orgId: OrgId,
  query: AccessRuleQuery,
): Promise<Page<AccessRule>> {
  const { limit = DEFAULT_PAGE_LIMIT, cursor, userId } = query
  const filters = { list: 'access_rules', userId }
  let select = db.selectFrom('access_rules').selectAll().where('org_id', '=', orgId)
  if (userId !== undefined) {
    select = select.where('subject_kind', '=', 'user').where('subject_id', '=', userId)
  }
  if (cursor !== undefined) {
    const [after] = decodeCursor(filters, cursor, ['string'])
    select = select.where('id', '<', after as AccessRuleId)
  }
  const rows = await select
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
  return toPage(rows, limit, { filters, key: (row) => [row.id], item: toAccessRule })
}

/** Oldest first, newer than `after`. */
export async function listAccessRulesAfter(
  db: Db,
  orgId: OrgId,
  { after, limit }: { after: AccessRuleId | undefined; limit: number },
): Promise<AccessRule[]> {
  let select = db.selectFrom('access_rules').selectAll().where('org_id', '=', orgId)
  if (after !== undefined) select = select.where('id', '>', after)
  const rows = await select.orderBy('id').limit(limit).execute()
  return rows.map(toAccessRule)
}

function subjectColumns(subject: AccessSubject): Pick<AccessRulesTable, 'subject_kind' | 'subject_id'> {
  if (subject.kind === 'user') return { subject_kind: 'user', subject_id: subject.userId }
  if (subject.kind === 'role') return { subject_kind: 'role', subject_id: subject.role }
  return { subject_kind: 'api_token', subject_id: subject.tokenId }
}

type ChangeableColumns = Pick<
  AccessRulesTable,
  'selector' | 'verbs' | 'remote_usernames' | 'expires_at' | 'reason'
>

function toColumns(rule: Required<AccessRuleChanges>): ChangeableColumns
function toColumns(changes: AccessRuleChanges): Partial<ChangeableColumns>
function toColumns({ selector, verbs, remoteUsernames, expiresAt, reason }: AccessRuleChanges) {
  return {
    ...(selector !== undefined && { selector }),
    ...(verbs !== undefined && { verbs: verbs.join(' ') }),
    ...(remoteUsernames !== undefined && {
      remote_usernames: remoteUsernames && JSON.stringify(remoteUsernames),
    }),
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
    ...(reason !== undefined && { reason }),
  }
}

function toAccessRule(row: AccessRulesTable): AccessRule {
  return {
    id: row.id,
    orgId: row.org_id,
    subject: toSubject(row),
    selector: row.selector,
    verbs: row.verbs.split(' ') as AccessVerb[],
    remoteUsernames: row.remote_usernames === null ? null : (JSON.parse(row.remote_usernames) as string[]),
    expiresAt: toIsoOrNull(row.expires_at),
    reason: row.reason,
    grantedBy: row.granted_by,
    createdAt: toIso(row.created_at),
  }
}

function toSubject({ subject_kind: kind, subject_id: id }: AccessRulesTable): AccessSubject {
  if (kind === 'user') return { kind, userId: id as UserId }
  return kind === 'role' ? { kind, role: id as Role } : { kind, tokenId: id as ApiTokenId }
}
