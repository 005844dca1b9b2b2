import type { OrgId, TargetId } from '../../model/ids.js'
import type { Db } from '../database.js'
import type { HostPlaceKey } from './host-key.repository.js'

/** The targets whose keys are known by this place. */
export async function listTargetIdsAt(
  db: Db,
  orgId: OrgId,
  { host, port, via }: HostPlaceKey,
): Promise<TargetId[]> {
  const rows = await db
    .selectFrom('targets')
    .select('id')
    .where('org_id', '=', orgId)
    .where('host', '=', host)
    .where('port', '=', port)
    .where('jump_target_id', via === null ? 'is' : '=', via)
    .execute()
  return rows.map(({ id }) => id)
}
