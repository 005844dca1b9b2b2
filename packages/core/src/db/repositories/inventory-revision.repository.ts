import type { OrgId } from '../../model/ids.js'
import type { Db, Trx } from '../database.js'

/** Counts the changes of an organization's targets and access rules; 0 before the first. */
export async function findInventoryRevision(db: Db, orgId: OrgId): Promise<number> {
  const row = await db
    .selectFrom('inventory_revisions')
    .select('revision')
    .where('org_id', '=', orgId)
    .executeTakeFirst()
  return Number(row?.revision ?? 0)
}

/** In the transaction of the change, so that who saw the new revision sees the change too. */
export async function raiseInventoryRevision(trx: Trx, orgId: OrgId): Promise<void> {
  await trx
    .insertInto('inventory_revisions')
    .values({ org_id: orgId, revision: 1 })
    .onConflict((conflict) =>
      conflict
        .column('org_id')
        .doUpdateSet((eb) => ({ revision: eb('inventory_revisions.revision', '+', 1) })),
    )
    .execute()
}
