import { type Insertable, sql } from 'kysely'
import type { AccessRule, AccessRuleQuery, AccessSubject, AccessVerb } from '../../model/access-rule.js'
import type { AccessRuleId, ApiTokenId, OrgId, UserId } from '../../model/ids.js'
import type { Page } from '../../model/page.js'
import type { Role } from '../../model/user.js'
import type { Db, Trx } from '../database.js'
import type { AccessRulesTable } from '../tables/inventory.table.js'
import { pageNewestFirst } from './newest-first.js'
import { toIso, toIsoOrNull } from './timestamps.js'

/** What is told of a rule, less what the database adds. */
export type NewAccessRule = Omit<AccessRule, 'orgId' | 'subjectName' | 'createdAt' | 'expiresAt'> & {
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
  const row = await rulesOf(db, orgId).where('r.id', '=', id).executeTakeFirst()
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

/** Whether any rule is for that subject, expired or not. */
export async function namesAccessSubject(db: Db, orgId: OrgId, subject: AccessSubject): Promise<boolean> {
  const { subject_kind, subject_id } = subjectColumns(subject)
  const row = await db
    .selectFrom('access_rules')
    .select('id')
    .where('org_id', '=', orgId)
    .where('subject_kind', '=', subject_kind)
    .where('subject_id', '=', subject_id)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

export async function listAccessRules(
  db: Db,
  orgId: OrgId,
  query: AccessRuleQuery,
): Promise<Page<AccessRule>> {
  const { userId } = query
  const filters = { list: 'access_rules', userId }
  let select = rulesOf(db, orgId)
  if (userId !== undefined) {
    select = select.where('r.subject_kind', '=', 'user').where('r.subject_id', '=', userId)
  }
  return pageNewestFirst(select, { query, filters, column: 'r.id', item: toAccessRule })
}

/** A rule as its row has it: without what its subject is called. */
export type StoredAccessRule = Omit<AccessRule, 'subjectName'>

/** Oldest first, newer than `after`. */
export async function listAccessRulesAfter(
  db: Db,
  orgId: OrgId,
  { after, limit }: { after: AccessRuleId | undefined; limit: number },
): Promise<StoredAccessRule[]> {
  let select = db.selectFrom('access_rules').selectAll().where('org_id', '=', orgId)
  if (after !== undefined) select = select.where('id', '>', after)
  const rows = await select.orderBy('id').limit(limit).execute()
  return rows.map(toStoredRule)
}

/** With what their subjects are called. */
function rulesOf(db: Db, orgId: OrgId) {
  return db
    .selectFrom('access_rules as r')
    .leftJoin('users as u', (join) =>
      join.on('r.subject_kind', '=', 'user').on('u.id', '=', sql<UserId>`r.subject_id`),
    )
    .leftJoin('api_tokens as t', (join) =>
      join.on('r.subject_kind', '=', 'api_token').on('t.id', '=', sql<ApiTokenId>`r.subject_id`),
    )
    .selectAll('r')
    .select((eb) => eb.fn.coalesce('u.username', 'u.display_name', 't.name').as('subject_name'))
    .where('r.org_id', '=', orgId)
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

function toAccessRule(row: AccessRulesTable & { subject_name: string | null }): AccessRule {
  return { ...toStoredRule(row), subjectName: row.subject_name }
}

function toStoredRule(row: AccessRulesTable): StoredAccessRule {
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
