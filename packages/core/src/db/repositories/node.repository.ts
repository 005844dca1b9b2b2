import type { NodeId } from '../../model/ids.js'
import type { Db } from '../database.js'

export async function insertNode(db: Db, id: NodeId, now: number): Promise<void> {
  await db.insertInto('nodes').values({ id, started_at: now, heartbeat_at: now }).execute()
}

/** False when the row is gone: others took this node for dead. */
export async function beatHeart(db: Db, id: NodeId, now: number): Promise<boolean> {
  const result = await db
    .updateTable('nodes')
    .set({ heartbeat_at: now })
    .where('id', '=', id)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export async function listLivingNodes(db: Db, heartbeatAfter: number): Promise<NodeId[]> {
  const rows = await db.selectFrom('nodes').select('id').where('heartbeat_at', '>', heartbeatAfter).execute()
  return rows.map(({ id }) => id)
}

export async function deleteNodes(
  db: Db,
  where: { id: NodeId } | { heartbeatBefore: number },
): Promise<void> {
  const query = db.deleteFrom('nodes')
  await ('id' in where
    ? query.where('id', '=', where.id)
    : query.where('heartbeat_at', '<=', where.heartbeatBefore)
  ).execute()
}
