import { type Expression, sql } from 'kysely'
import type { OrgId, TargetId } from '../../model/ids.js'
import type { Db } from '../database.js'

/** A target, and the one through which it is reached. */
export interface TargetWay {
  readonly id: TargetId
  readonly jumpTargetId: TargetId | null
}

/** From which targets to walk, and how many there are on a way at most. */
interface Walk {
  readonly from: readonly TargetId[]
  readonly limit: number
}

/** Those targets and all that they are reached through, each once. Fewer than a thousand. */
export async function listWaysTo(db: Db, orgId: OrgId, walk: Walk): Promise<TargetWay[]> {
  return walkWays(db, orgId, { ...walk, next: sql<boolean>`t.id = w.jump_target_id` })
}

/** Those targets and all that are reached through them, each once. Fewer than a thousand. */
export async function listWaysBehind(db: Db, orgId: OrgId, walk: Walk): Promise<TargetWay[]> {
  return walkWays(db, orgId, { ...walk, next: sql<boolean>`t.jump_target_id = w.id` })
}

async function walkWays(
  db: Db,
  orgId: OrgId,
  { from, limit, next }: Walk & { next: Expression<boolean> },
): Promise<TargetWay[]> {
  if (from.length === 0) return []
  const rows = await db
    .withRecursive('way(id, jump_target_id, place)', (with_) =>
      with_
        .selectFrom('targets')
        .select(['id', 'jump_target_id', sql<number>`1`.as('place')])
        .where('org_id', '=', orgId)
        .where('id', 'in', [...from])
        .union((eb) =>
          eb
            .selectFrom('way as w')
            .innerJoin('targets as t', (join) => join.on(next))
            .select(['t.id', 't.jump_target_id', sql<number>`w.place + 1`.as('place')])
            .where('t.org_id', '=', orgId)
            .where('w.place', '<', limit),
        ),
    )
    .selectFrom('way')
    .select(['id', 'jump_target_id'])
    .distinct()
    .execute()
  return rows.map(({ id, jump_target_id }) => ({ id, jumpTargetId: jump_target_id }))
}
