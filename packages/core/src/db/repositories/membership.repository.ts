import type { LoginId, OrgId, UserId } from '../../model/ids.js'
import type { AuditScope, Role } from '../../model/user.js'
import type { Db, Trx } from '../database.js'
import type { MembershipsTable } from '../tables/identity.table.js'
import { SYSTEM_USER_ID } from './user.repository.js'

export async function insertMembership(
  trx: Trx,
  orgId: OrgId,
  member: { userId: UserId; role: Role; createdAt: number },
): Promise<void> {
  await trx
    .insertInto('memberships')
    .values({
      org_id: orgId,
      user_id: member.userId,
      role: member.role,
      audit_scope: 'own',
      created_at: member.createdAt,
    })
    .execute()
}

export type MembershipChanges = Partial<Pick<MembershipsTable, 'role' | 'audit_scope' | 'disabled_at'>>

export async function updateMembership(
  trx: Trx,
  orgId: OrgId,
  update: { userId: UserId; set: MembershipChanges },
): Promise<void> {
  await trx
    .updateTable('memberships')
    .set(update.set)
    .where('org_id', '=', orgId)
    .where('user_id', '=', update.userId)
    .execute()
}

/** People besides this one who can administer the organization right now. */
export async function countOtherAdmins(trx: Trx, orgId: OrgId, userId: UserId): Promise<number> {
  const row = await otherAdmins(trx, orgId, userId).executeTakeFirstOrThrow()
  return Number(row.admins)
}

/** Those of them who are admins of the instance as well. */
export async function countOtherInstanceAdmins(trx: Trx, orgId: OrgId, userId: UserId): Promise<number> {
  const row = await otherAdmins(trx, orgId, userId)
    .where('u.is_instance_admin', '=', 1)
    .executeTakeFirstOrThrow()
  return Number(row.admins)
}

function otherAdmins(trx: Trx, orgId: OrgId, userId: UserId) {
  return trx
    .selectFrom('memberships as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select((eb) => eb.fn.countAll<number>().as('admins'))
    .where('m.org_id', '=', orgId)
    .where('m.role', '=', 'admin')
    .where('m.user_id', 'not in', [userId, SYSTEM_USER_ID])
    .where('m.disabled_at', 'is', null)
    .where('u.disabled_at', 'is', null)
}

/** Everything that decides what a caller is right now. */
export interface Standing {
  readonly username: string
  readonly role: Role
  readonly auditScope: AuditScope
  /** The user, the membership or the whole organization. */
  readonly disabled: boolean
  readonly tokenVersion: number
  /** Null when none was asked for, or when this user has no such login. */
  readonly login: {
    readonly revoked: boolean
    /** Epoch milliseconds: idle or absolute end, whichever comes first. */
    readonly endsAt: number
  } | null
}

export async function findStanding(
  db: Db,
  orgId: OrgId,
  who: { userId: UserId; loginId: LoginId | undefined },
): Promise<Standing | undefined> {
  const row = await db
    .selectFrom('memberships as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .innerJoin('organizations as o', 'o.id', 'm.org_id')
    .leftJoin('logins as l', (join) =>
      join
        .onRef('l.user_id', '=', 'm.user_id')
        .onRef('l.org_id', '=', 'm.org_id')
        .on('l.id', '=', who.loginId ?? ('' as LoginId)),
    )
    .select(['u.username', 'u.display_name', 'u.token_version', 'm.role', 'm.audit_scope'])
    .select(['u.disabled_at as user_disabled_at', 'm.disabled_at', 'o.disabled_at as org_disabled_at'])
    .select(['l.id as login_id', 'l.revoked_at', 'l.expires_at', 'l.idle_expires_at'])
    .where('m.org_id', '=', orgId)
    .where('m.user_id', '=', who.userId)
    .executeTakeFirst()
  return row && toStanding(row)
}

interface StandingRow extends Pick<MembershipsTable, 'role' | 'audit_scope' | 'disabled_at'> {
  username: string | null
  display_name: string
  token_version: number
  user_disabled_at: number | null
  org_disabled_at: number | null
  login_id: LoginId | null
  revoked_at: number | null
  expires_at: number | null
  idle_expires_at: number | null
}

function toStanding(row: StandingRow): Standing {
  const { expires_at: expiresAt, idle_expires_at: idleExpiresAt } = row
  const found = row.login_id !== null && expiresAt !== null && idleExpiresAt !== null
  return {
    username: row.username ?? row.display_name,
    role: row.role,
    auditScope: row.audit_scope,
    disabled: [row.user_disabled_at, row.disabled_at, row.org_disabled_at].some((at) => at !== null),
    tokenVersion: row.token_version,
    login: found ? { revoked: row.revoked_at !== null, endsAt: Math.min(expiresAt, idleExpiresAt) } : null,
  }
}
