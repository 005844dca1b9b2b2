import type { Database, Db, Trx } from '../database.js'
import type { MasterKeysTable } from '../tables/inventory.table.js'
import type { Tables } from '../tables/tables.js'

/** Of every master key of this database. */
export async function listMasterKeys(db: Db): Promise<MasterKeysTable[]> {
  return db.selectFrom('master_keys').selectAll().orderBy('created_at').orderBy('key_id').execute()
}

/** False for a database that was never migrated so far. */
export async function hasMasterKeys(db: Db): Promise<boolean> {
  const tables = await db.introspection.getTables()
  return tables.some(({ name }) => name === ('master_keys' satisfies keyof Tables))
}

/** The key that new secrets are encrypted with; undefined before the first. */
export async function findActiveMasterKey(db: Db): Promise<string | undefined> {
  return (await selectActive(db).executeTakeFirst())?.key_id
}

/** The same, and no other becomes active before the commit. */
export async function lockActiveMasterKey(trx: Trx, kind: Database['kind']): Promise<string | undefined> {
  const query = kind === 'postgres' ? selectActive(trx).forShare() : selectActive(trx)
  // Who waited for a rotation finds that the row it waited for is not the active one any more.
  const row = (await query.executeTakeFirst()) ?? (await query.executeTakeFirst())
  return row?.key_id
}

/** Finds one row while that key is the active one, and on PostgreSQL keeps it so until the commit. */
export function activeMasterKeyQuery(db: Db, keyId: string, kind: Database['kind']) {
  const query = selectActive(db).where('key_id', '=', keyId)
  return kind === 'postgres' ? query.forShare() : query
}

/** Makes it the active key unless there is one. */
export async function insertFirstMasterKey(db: Db, key: { id: string; at: number }): Promise<void> {
  await db
    .insertInto('master_keys')
    .values({ key_id: key.id, active: 1, created_at: key.at })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Makes it the active key, known or not, and retires the one that was. */
export async function activateMasterKey(trx: Trx, key: { id: string; at: number }): Promise<void> {
  await trx
    .updateTable('master_keys')
    .set({ active: null, retired_at: key.at })
    .where('active', '=', 1)
    .execute()
  await trx
    .insertInto('master_keys')
    .values({ key_id: key.id, active: 1, created_at: key.at })
    .onConflict((conflict) => conflict.column('key_id').doUpdateSet({ active: 1, retired_at: null }))
    .execute()
}

function selectActive(db: Db) {
  return db.selectFrom('master_keys').select('key_id').where('active', '=', 1)
}
