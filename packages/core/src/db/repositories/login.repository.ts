import type { LoginId, OrgId, UserId } from '../../model/ids.js'
import type { OwnLogin } from '../../model/login.js'
import type { Page, PageQuery } from '../../model/page.js'
import type { Db, Trx } from '../database.js'
import type { LoginsTable } from '../tables/identity.table.js'
import { pageNewestFirst } from './newest-first.js'
import { toIso } from './timestamps.js'

/** A refresh-token family as it is stored; times are epoch milliseconds. */
export interface LoginFamily {
  readonly id: LoginId
  readonly orgId: OrgId
  readonly userId: UserId
  readonly tokenHash: string
  readonly previousTokenHash: string | null
  readonly chainKey: string
  readonly rotatedAt: number
  readonly idleExpiresAt: number
  readonly expiresAt: number
  readonly revokedAt: number | null
}

export interface NewLogin extends Omit<LoginFamily, 'orgId' | 'previousTokenHash' | 'revokedAt'> {
  readonly clientIp: string | null
  readonly userAgent: string | null
}

/** A new login was never rotated: it began when `rotatedAt` says. */
export async function insertLogin(trx: Trx, orgId: OrgId, login: NewLogin): Promise<void> {
  await trx
    .insertInto('logins')
    .values({
      id: login.id,
      org_id: orgId,
      user_id: login.userId,
      token_hash: login.tokenHash,
      chain_key: login.chainKey,
      created_at: login.rotatedAt,
      rotated_at: login.rotatedAt,
      idle_expires_at: login.idleExpiresAt,
      expires_at: login.expiresAt,
      client_ip: login.clientIp,
      user_agent: login.userAgent,
    })
    .execute()
}

export async function findLogin(db: Db, orgId: OrgId, id: LoginId): Promise<LoginFamily | undefined> {
  const row = await db
    .selectFrom('logins')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toLoginFamily(row)
}

/** Where the user is signed in at that time, newest first. */
export async function listLiveLogins(
  db: Db,
  orgId: OrgId,
  { userId, at, query }: { userId: UserId; at: number; query: PageQuery },
): Promise<Page<Omit<OwnLogin, 'current'>>> {
  const filters = { list: 'logins', userId }
  const select = db
    .selectFrom('logins')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .where('idle_expires_at', '>', at)
  return pageNewestFirst(select, { query, filters, item: toOwnLogin })
}

/** For a refresh token, which names its login and nothing else. */
export async function findLoginAcrossOrgs(db: Db, id: LoginId): Promise<LoginFamily | undefined> {
  const row = await db.selectFrom('logins').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toLoginFamily(row)
}

export interface Rotation {
  readonly id: LoginId
  readonly from: string
  readonly to: string
  readonly at: number
  readonly idleExpiresAt: number
}

/** False when the token had been rotated already. */
export async function rotateLogin(trx: Trx, orgId: OrgId, rotation: Rotation): Promise<boolean> {
  const result = await trx
    .updateTable('logins')
    .set({
      token_hash: rotation.to,
      previous_token_hash: rotation.from,
      rotated_at: rotation.at,
      idle_expires_at: rotation.idleExpiresAt,
    })
    .where('org_id', '=', orgId)
    .where('id', '=', rotation.id)
    .where('token_hash', '=', rotation.from)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** False when it had ended before. */
export async function revokeLogin(
  trx: Trx,
  orgId: OrgId,
  login: { id: LoginId; at: number },
): Promise<boolean> {
  const result = await trx
    .updateTable('logins')
    .set({ revoked_at: login.at })
    .where('org_id', '=', orgId)
    .where('id', '=', login.id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Ends what the user has open in this organization. */
export async function revokeLoginsOfUser(
  trx: Trx,
  orgId: OrgId,
  user: { userId: UserId; at: number },
): Promise<void> {
  await trx
    .updateTable('logins')
    .set({ revoked_at: user.at })
    .where('org_id', '=', orgId)
    .where('user_id', '=', user.userId)
    .where('revoked_at', 'is', null)
    .execute()
}

/** A password is the instance's, not an organization's: its change ends the logins everywhere. */
export async function revokeLoginsOfUserAcrossOrgs(
  trx: Trx,
  user: { userId: UserId; at: number; except?: LoginId | undefined },
): Promise<number> {
  let query = trx
    .updateTable('logins')
    .set({ revoked_at: user.at })
    .where('user_id', '=', user.userId)
    .where('revoked_at', 'is', null)
  if (user.except !== undefined) query = query.where('id', '!=', user.except)
  const result = await query.executeTakeFirst()
  return Number(result.numUpdatedRows)
}

/** Logins that reached their absolute end; for the sweep. */
export async function deleteExpiredLoginsAcrossOrgs(db: Db, expiredBefore: number): Promise<void> {
  await db.deleteFrom('logins').where('expires_at', '<', expiredBefore).execute()
}

function toOwnLogin(row: LoginsTable): Omit<OwnLogin, 'current'> {
  return {
    id: row.id,
    createdAt: toIso(row.created_at),
    lastUsedAt: toIso(row.rotated_at),
    expiresAt: toIso(Math.min(row.expires_at, row.idle_expires_at)),
    clientIp: row.client_ip,
    userAgent: row.user_agent,
  }
}

function toLoginFamily(row: LoginsTable): LoginFamily {
  return {
    id: row.id,
    orgId: row.org_id,
    userId: row.user_id,
    tokenHash: row.token_hash,
    previousTokenHash: row.previous_token_hash,
    chainKey: row.chain_key,
    rotatedAt: row.rotated_at,
    idleExpiresAt: row.idle_expires_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  }
}
