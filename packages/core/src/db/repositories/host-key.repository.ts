import type { HostKeyId, OrgId, UserId } from '../../model/ids.js'
import type { Db, Trx } from '../database.js'
import type { KnownHostKeysTable } from '../tables/inventory.table.js'

export interface HostKeyPin {
  readonly id: HostKeyId
  /** Null when it is pinned for the whole organization. */
  readonly userId: UserId | null
  readonly algorithm: string
  readonly fingerprint: string
  readonly source: KnownHostKeysTable['source']
}

/** Pins that concern this user at this host: the organization's and the user's own. */
export async function listPins(
  db: Db,
  orgId: OrgId,
  at: { host: string; port: number; userId: UserId },
): Promise<HostKeyPin[]> {
  const rows = await db
    .selectFrom('known_host_keys')
    .select(['id', 'user_scope', 'algorithm', 'fingerprint', 'source'])
    .where('org_id', '=', orgId)
    .where('host', '=', at.host)
    .where('port', '=', at.port)
    .where('via', '=', '')
    .where('user_scope', 'in', ['', at.userId])
    .execute()
  return rows.map(toPin)
}

export async function insertPin(trx: Trx, _orgId: OrgId, row: KnownHostKeysTable): Promise<void> {
  await trx.insertInto('known_host_keys').values(row).execute()
}

function toPin(
  row: Pick<KnownHostKeysTable, 'id' | 'user_scope' | 'algorithm' | 'fingerprint' | 'source'>,
): HostKeyPin {
  return {
    id: row.id,
    userId: row.user_scope === '' ? null : row.user_scope,
    algorithm: row.algorithm,
    fingerprint: row.fingerprint,
    source: row.source,
  }
}
