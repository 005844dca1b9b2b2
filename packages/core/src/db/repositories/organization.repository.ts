import type { OrgId } from '../../model/ids.js'
import type { Db } from '../database.js'

/** Makes the organization unless one with that slug exists, and says which id it has. */
export async function ensureOrganization(
  db: Db,
  wanted: { id: OrgId; slug: string; name: string; createdAt: number },
): Promise<OrgId> {
  await db
    .insertInto('organizations')
    .values({ id: wanted.id, slug: wanted.slug, name: wanted.name, created_at: wanted.createdAt })
    .onConflict((conflict) => conflict.column('slug').doNothing())
    .execute()
  const row = await db
    .selectFrom('organizations')
    .select('id')
    .where('slug', '=', wanted.slug)
    .executeTakeFirstOrThrow()
  return row.id
}

export async function organizationExists(db: Db, orgId: OrgId): Promise<boolean> {
  const row = await db.selectFrom('organizations').select('id').where('id', '=', orgId).executeTakeFirst()
  return row !== undefined
}
