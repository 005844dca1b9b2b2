import type { Insertable } from 'kysely'
import type { ApiToken, ApiTokenScope } from '../../model/api-token.js'
import type { ApiTokenId, OrgId, UserId } from '../../model/ids.js'
import type { Page, PageQuery } from '../../model/page.js'
import type { Db, Trx } from '../database.js'
import type { ApiTokensTable } from '../tables/identity.table.js'
import { pageNewestFirst } from './newest-first.js'
import { toIso, toIsoOrNull } from './timestamps.js'

/** What a presented token is measured against; times are epoch milliseconds. */
export interface StoredApiToken {
  readonly id: ApiTokenId
  readonly orgId: OrgId
  readonly userId: UserId
  readonly secretHash: string
  readonly scopes: readonly ApiTokenScope[]
  readonly expiresAt: number | null
  readonly revokedAt: number | null
}

export async function insertApiToken(
  trx: Trx,
  _orgId: OrgId,
  row: Insertable<ApiTokensTable>,
): Promise<void> {
  await trx.insertInto('api_tokens').values(row).execute()
}

export async function findApiToken(db: Db, orgId: OrgId, id: ApiTokenId): Promise<ApiToken | undefined> {
  const row = await db
    .selectFrom('api_tokens')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toApiToken(row)
}

/** For a token that somebody presents: it names itself and nothing else. */
export async function findApiTokenAcrossOrgs(db: Db, id: ApiTokenId): Promise<StoredApiToken | undefined> {
  const row = await db.selectFrom('api_tokens').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toStoredApiToken(row)
}

export async function listApiTokens(
  db: Db,
  orgId: OrgId,
  { userId, query }: { userId: UserId; query: PageQuery },
): Promise<Page<ApiToken>> {
  const filters = { list: 'api_tokens', userId }
  const select = db
    .selectFrom('api_tokens')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('user_id', '=', userId)
  return pageNewestFirst(select, { query, filters, item: toApiToken })
}

/** Tokens of the user that are good at that time. */
export async function countLiveApiTokens(
  db: Db,
  orgId: OrgId,
  user: { userId: UserId; at: number },
): Promise<number> {
  const row = await db
    .selectFrom('api_tokens')
    .select((eb) => eb.fn.countAll<number>().as('live'))
    .where('org_id', '=', orgId)
    .where('user_id', '=', user.userId)
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', user.at)]))
    .executeTakeFirstOrThrow()
  return Number(row.live)
}

/** False when it had been revoked before. */
export async function revokeApiToken(
  trx: Trx,
  orgId: OrgId,
  token: { id: ApiTokenId; at: number },
): Promise<boolean> {
  const result = await trx
    .updateTable('api_tokens')
    .set({ revoked_at: token.at })
    .where('org_id', '=', orgId)
    .where('id', '=', token.id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** @param use.ifBefore Writes nothing when the token was used since then. */
export async function noteApiTokenUse(
  db: Db,
  orgId: OrgId,
  use: { id: ApiTokenId; at: number; ifBefore: number },
): Promise<void> {
  await db
    .updateTable('api_tokens')
    .set({ last_used_at: use.at })
    .where('org_id', '=', orgId)
    .where('id', '=', use.id)
    .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<=', use.ifBefore)]))
    .execute()
}

function toStoredApiToken(row: ApiTokensTable): StoredApiToken {
  return {
    id: row.id,
    orgId: row.org_id,
    userId: row.user_id,
    secretHash: row.secret_hash,
    scopes: toScopes(row),
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  }
}

function toApiToken(row: ApiTokensTable): ApiToken {
  return {
    id: row.id,
    orgId: row.org_id,
    userId: row.user_id,
    name: row.name,
    scopes: toScopes(row),
    createdAt: toIso(row.created_at),
    expiresAt: toIsoOrNull(row.expires_at),
    lastUsedAt: toIsoOrNull(row.last_used_at),
    revokedAt: toIsoOrNull(row.revoked_at),
  }
}

function toScopes({ scopes }: ApiTokensTable): ApiTokenScope[] {
  return scopes.split(' ') as ApiTokenScope[]
}
