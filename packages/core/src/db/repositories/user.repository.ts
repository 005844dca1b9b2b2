import { type ExpressionBuilder, type Insertable, sql } from 'kysely'
import type { OrgId, UserId } from '../../model/ids.js'
import type { Page } from '../../model/page.js'
import type { AuditScope, Role, User, UserQuery } from '../../model/user.js'
import type { Db, Trx } from '../database.js'
import type { UsersTable } from '../tables/identity.table.js'
import type { Tables } from '../tables/tables.js'
import { pageNewestFirst } from './newest-first.js'
import { toIso, toIsoOrNull } from './timestamps.js'

/** Krown itself: the owner of what its own jobs and an embedding program do. Not a person, so in no list. */
export const SYSTEM_USER_ID = '00000000-0000-7000-8000-000000000000' as UserId

export async function insertUser(trx: Trx, _orgId: OrgId, row: Insertable<UsersTable>): Promise<void> {
  await trx.insertInto('users').values(row).execute()
}

/** The system user belongs to every organization, so whoever comes first makes it. */
export async function ensureSystemUserAcrossOrgs(trx: Trx, row: Insertable<UsersTable>): Promise<void> {
  await trx
    .insertInto('users')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}

/** Any member, the system user included. */
export async function findMember(db: Db, orgId: OrgId, id: UserId): Promise<User | undefined> {
  const row = await members(db, orgId).where('m.user_id', '=', id).executeTakeFirst()
  return row && toUser(row)
}

export async function findPerson(db: Db, orgId: OrgId, id: UserId): Promise<User | undefined> {
  return id === SYSTEM_USER_ID ? undefined : findMember(db, orgId, id)
}

export async function listPeople(db: Db, orgId: OrgId, query: UserQuery): Promise<Page<User>> {
  const { username, role } = query
  const filters = { list: 'users', username, role }
  let select = members(db, orgId).where('m.user_id', '!=', SYSTEM_USER_ID)
  if (username !== undefined) {
    const isCalled = sql`coalesce(u.username, u.display_name)`
    select = select.where(isCalled, 'in', [username, username.toLowerCase()])
  }
  if (role !== undefined) select = select.where('m.role', '=', role)
  return pageNewestFirst(select, { query, filters, column: 'm.user_id', item: toUser })
}

/** What a login by user name is measured against. */
export interface SignInCandidate {
  readonly userId: UserId
  readonly orgId: OrgId
  readonly username: string
  /** Null for a user without a password. */
  readonly passwordHash: string | null
  readonly tokenVersion: number
  readonly disabled: boolean
}

/** @param username Folded. A user of several organizations signs in to the one joined first. */
export async function findSignInCandidateAcrossOrgs(
  db: Db,
  username: string,
): Promise<SignInCandidate | undefined> {
  const row = await db
    .selectFrom('users as u')
    .innerJoin('memberships as m', 'm.user_id', 'u.id')
    .innerJoin('organizations as o', 'o.id', 'm.org_id')
    .select(['u.id', 'm.org_id', 'u.password_hash', 'u.token_version'])
    .select(['u.disabled_at', 'm.disabled_at as member_disabled_at', 'o.disabled_at as org_disabled_at'])
    .where('u.username', '=', username)
    .orderBy('m.created_at')
    .orderBy('m.org_id')
    .limit(1)
    .executeTakeFirst()
  if (!row) return undefined
  return {
    userId: row.id,
    orgId: row.org_id,
    username,
    passwordHash: row.password_hash,
    tokenVersion: row.token_version,
    disabled: [row.disabled_at, row.member_disabled_at, row.org_disabled_at].some((at) => at !== null),
  }
}

export interface ExternalUser {
  readonly userId: UserId
  readonly displayName: string
  /** Null when not a member of this organization. */
  readonly role: Role | null
}

/** The external user of that identity, whether or not a member of `orgId`. */
export async function findExternalUser(
  db: Db,
  orgId: OrgId,
  identity: { issuer: string; subject: string },
): Promise<ExternalUser | undefined> {
  return db
    .selectFrom('users as u')
    .leftJoin('memberships as m', (join) => join.onRef('m.user_id', '=', 'u.id').on('m.org_id', '=', orgId))
    .select(['u.id as userId', 'u.display_name as displayName', 'm.role'])
    .where('u.external_issuer', '=', identity.issuer)
    .where('u.external_subject', '=', identity.subject)
    .executeTakeFirst()
}

export async function isInstanceAdmin(db: Db, orgId: OrgId, id: UserId): Promise<boolean> {
  const row = await db
    .selectFrom('users')
    .select('is_instance_admin')
    .where('id', 'in', memberNamed(orgId, id))
    .executeTakeFirst()
  return row?.is_instance_admin === 1
}

export async function findPasswordHash(db: Db, orgId: OrgId, id: UserId): Promise<string | null> {
  const row = await db
    .selectFrom('users')
    .select('password_hash')
    .where('id', 'in', memberNamed(orgId, id))
    .executeTakeFirst()
  return row?.password_hash ?? null
}

export type UserChanges = Partial<
  Pick<UsersTable, 'display_name' | 'password_hash' | 'last_login_at' | 'disabled_at' | 'is_instance_admin'>
>

/**
 * @param update.ifPasswordHash Change nothing when the password was changed meanwhile.
 * @returns False when nothing was changed.
 */
export async function updateUser(
  trx: Trx,
  orgId: OrgId,
  update: { userId: UserId; set: UserChanges; ifPasswordHash?: string | undefined },
): Promise<boolean> {
  let query = trx.updateTable('users').set(update.set).where('id', 'in', memberNamed(orgId, update.userId))
  if (update.ifPasswordHash !== undefined) {
    query = query.where('password_hash', '=', update.ifPasswordHash)
  }
  const result = await query.executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Ends every access token of the user. */
export async function raiseTokenVersion(trx: Trx, orgId: OrgId, id: UserId): Promise<void> {
  await trx
    .updateTable('users')
    .set((eb) => ({ token_version: eb('token_version', '+', 1) }))
    .where('id', 'in', memberNamed(orgId, id))
    .execute()
}

function members(db: Db, orgId: OrgId) {
  return db
    .selectFrom('memberships as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select(['u.id', 'm.org_id', 'u.username', 'u.display_name', 'u.email', 'm.role', 'm.audit_scope'])
    .select(['u.disabled_at', 'm.disabled_at as member_disabled_at', 'u.created_at', 'u.last_login_at'])
    .where('m.org_id', '=', orgId)
}

/** The user's id, if the user is a member: keeps instance-wide rows out of other organizations' reach. */
function memberNamed(orgId: OrgId, id: UserId) {
  return (eb: ExpressionBuilder<Tables, 'users'>) =>
    eb
      .selectFrom('memberships')
      .select('memberships.user_id')
      .where('memberships.org_id', '=', orgId)
      .where('memberships.user_id', '=', id)
}

interface MemberRow extends Pick<UsersTable, 'id' | 'username' | 'display_name' | 'email'> {
  org_id: OrgId
  role: Role
  audit_scope: AuditScope
  disabled_at: number | null
  member_disabled_at: number | null
  created_at: number
  last_login_at: number | null
}

function toUser(row: MemberRow): User {
  return {
    id: row.id,
    orgId: row.org_id,
    username: row.username ?? row.display_name,
    email: row.email,
    role: row.role,
    auditScope: row.audit_scope,
    disabled: row.disabled_at !== null || row.member_disabled_at !== null,
    createdAt: toIso(row.created_at),
    lastLoginAt: toIsoOrNull(row.last_login_at),
  }
}
