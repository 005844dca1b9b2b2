import type { UserId } from '../../model/ids.js'
import type { Db, Trx } from '../database.js'

/** @throws ConstraintError when somebody was first: the row exists once. */
export async function insertSetUp(trx: Trx, setUp: { at: number; by: UserId }): Promise<void> {
  await trx
    .insertInto('instance')
    .values({ singleton: 1, set_up_at: setUp.at, set_up_by: setUp.by })
    .execute()
}

export async function isSetUp(db: Db): Promise<boolean> {
  const row = await db.selectFrom('instance').select('singleton').executeTakeFirst()
  return row !== undefined
}
