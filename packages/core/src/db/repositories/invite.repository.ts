import type { Insertable } from 'kysely'
import type { InviteId, OrgId, UserId } from '../../model/ids.js'
import type { Invite } from '../../model/invite.js'
import type { Page, PageQuery } from '../../model/page.js'
import type { Role } from '../../model/user.js'
import type { Db, Trx } from '../database.js'
import type { InvitesTable } from '../tables/identity.table.js'
import { pageNewestFirst } from './newest-first.js'
import { toIso, toIsoOrNull } from './timestamps.js'

/** What a presented invite is measured against; times are epoch milliseconds. */
export interface StoredInvite {
  readonly id: InviteId
  readonly orgId: OrgId
  readonly secretHash: string
  readonly role: Role
  readonly createdBy: UserId
  readonly expiresAt: number
  /** It was used or revoked. */
  readonly isSpent: boolean
}

export async function insertInvite(trx: Trx, _orgId: OrgId, row: Insertable<InvitesTable>): Promise<void> {
  await trx.insertInto('invites').values(row).execute()
}

export async function findInvite(db: Db, orgId: OrgId, id: InviteId): Promise<Invite | undefined> {
  const row = await db
    .selectFrom('invites')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toInvite(row)
}

/** For an invite that somebody presents: it names itself and nothing else. */
export async function findInviteAcrossOrgs(db: Db, id: InviteId): Promise<StoredInvite | undefined> {
  const row = await db.selectFrom('invites').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toStoredInvite(row)
}

export async function listInvites(db: Db, orgId: OrgId, query: PageQuery): Promise<Page<Invite>> {
  const filters = { list: 'invites' }
  const select = db.selectFrom('invites').selectAll().where('org_id', '=', orgId)
  return pageNewestFirst(select, { query, filters, item: toInvite })
}

/** How many somebody could register with at that time: of the organization, and of them that user's. */
export async function countOpenInvites(
  trx: Trx,
  orgId: OrgId,
  { userId, at }: { userId: UserId; at: number },
): Promise<{ readonly ofOrg: number; readonly ofUser: number }> {
  const rows = await trx
    .selectFrom('invites')
    .select((eb) => ['created_by', eb.fn.countAll<number>().as('open')])
    .where('org_id', '=', orgId)
    .where('used_at', 'is', null)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', at)
    .groupBy('created_by')
    .execute()
  const counts = rows.map(({ created_by, open }) => ({ maker: created_by, open: Number(open) }))
  return {
    ofOrg: counts.reduce((sum, { open }) => sum + open, 0),
    ofUser: counts.find(({ maker }) => maker === userId)?.open ?? 0,
  }
}

/** For the sweep: those that were used, revoked or expired before. */
export async function deleteEndedInvitesAcrossOrgs(db: Db, endedBefore: number): Promise<void> {
  await db
    .deleteFrom('invites')
    .where((eb) =>
      eb.or([
        eb('used_at', '<', endedBefore),
        eb('revoked_at', '<', endedBefore),
        eb('expires_at', '<', endedBefore),
      ]),
    )
    .execute()
}

/** False when it had been used or revoked before. */
export async function useInvite(
  trx: Trx,
  orgId: OrgId,
  use: { id: InviteId; at: number; userId: UserId },
): Promise<boolean> {
  const result = await trx
    .updateTable('invites')
    .set({ used_at: use.at, used_by: use.userId })
    .where('org_id', '=', orgId)
    .where('id', '=', use.id)
    .where('used_at', 'is', null)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** False when it had been used or revoked before. */
export async function revokeInvite(
  trx: Trx,
  orgId: OrgId,
  invite: { id: InviteId; at: number },
): Promise<boolean> {
  const result = await trx
    .updateTable('invites')
    .set({ revoked_at: invite.at })
    .where('org_id', '=', orgId)
    .where('id', '=', invite.id)
    .where('used_at', 'is', null)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

function toStoredInvite(row: InvitesTable): StoredInvite {
  return {
    id: row.id,
    orgId: row.org_id,
    secretHash: row.secret_hash,
    role: row.role,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    isSpent: row.used_at !== null || row.revoked_at !== null,
  }
}

function toInvite(row: InvitesTable): Invite {
  return {
    id: row.id,
    orgId: row.org_id,
    role: row.role,
    note: row.note,
    createdBy: row.created_by,
    createdAt: toIso(row.created_at),
    expiresAt: toIso(row.expires_at),
    usedAt: toIsoOrNull(row.used_at),
    usedBy: row.used_by,
    revokedAt: toIsoOrNull(row.revoked_at),
  }
}
