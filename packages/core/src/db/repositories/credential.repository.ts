import type { Insertable, Selectable, Updateable } from 'kysely'
import type { Credential, CredentialQuery } from '../../model/credential.js'
import type { CredentialId, OrgId } from '../../model/ids.js'
import type { Page } from '../../model/page.js'
import type { Db, Trx } from '../database.js'
import type { CredentialsTable } from '../tables/inventory.table.js'
import { pageNewestFirst } from './newest-first.js'
import { toIso } from './timestamps.js'

/** A secret as it is stored. */
export interface SealedSecret {
  readonly orgId: OrgId
  readonly credentialId: CredentialId
  readonly secret: string
  readonly version: number
}

const SHOWN = ['id', 'org_id', 'name', 'kind', 'fingerprint', 'created_at', 'updated_at'] as const

/** @throws ConstraintError when the name is taken. */
export async function insertCredential(
  trx: Trx,
  _orgId: OrgId,
  row: Insertable<CredentialsTable>,
): Promise<void> {
  await trx.insertInto('credentials').values(row).execute()
}

export async function findCredential(
  db: Db,
  orgId: OrgId,
  id: CredentialId,
): Promise<Credential | undefined> {
  const row = await db
    .selectFrom('credentials')
    .select(SHOWN)
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toCredential(row)
}

export async function findSealedSecret(
  db: Db,
  orgId: OrgId,
  id: CredentialId,
): Promise<SealedSecret | undefined> {
  const row = await db
    .selectFrom('credentials')
    .select(['id', 'org_id', 'secret', 'version'])
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toSealedSecret(row)
}

export async function listCredentials(
  db: Db,
  orgId: OrgId,
  query: CredentialQuery,
): Promise<Page<Credential>> {
  const { name } = query
  const filters = { list: 'credentials', name }
  let select = db.selectFrom('credentials').select(SHOWN).where('org_id', '=', orgId)
  if (name !== undefined) select = select.where('name', '=', name)
  return pageNewestFirst(select, { query, filters, item: toCredential })
}

export async function countCredentials(db: Db, orgId: OrgId): Promise<number> {
  const row = await db
    .selectFrom('credentials')
    .select((eb) => eb.fn.countAll<number>().as('stored'))
    .where('org_id', '=', orgId)
    .executeTakeFirstOrThrow()
  return Number(row.stored)
}

/** Targets that sign in with it. */
export async function countCredentialTargets(db: Db, orgId: OrgId, id: CredentialId): Promise<number> {
  const row = await db
    .selectFrom('targets')
    .select((eb) => eb.fn.countAll<number>().as('targets'))
    .where('org_id', '=', orgId)
    .where('credential_id', '=', id)
    .executeTakeFirstOrThrow()
  return Number(row.targets)
}

/** Targets that sign in with it have none any more. */
export async function detachCredential(trx: Trx, orgId: OrgId, id: CredentialId): Promise<void> {
  await trx
    .updateTable('targets')
    .set({ credential_id: null })
    .where('org_id', '=', orgId)
    .where('credential_id', '=', id)
    .execute()
}

/** @throws ConstraintError when the name is taken. */
export async function updateCredential(
  trx: Trx,
  orgId: OrgId,
  change: { id: CredentialId; set: Updateable<CredentialsTable> },
): Promise<void> {
  await trx
    .updateTable('credentials')
    .set(change.set)
    .where('org_id', '=', orgId)
    .where('id', '=', change.id)
    .execute()
}

/** @throws ConstraintError when a target signs in with it. */
export async function deleteCredential(trx: Trx, orgId: OrgId, id: CredentialId): Promise<void> {
  await trx.deleteFrom('credentials').where('org_id', '=', orgId).where('id', '=', id).execute()
}

/** How many secrets each master key encrypts. */
export async function countSecretsByMasterKeyAcrossOrgs(
  db: Db,
): Promise<{ readonly keyId: string; readonly secrets: number }[]> {
  const rows = await db
    .selectFrom('credentials')
    .select((eb) => ['key_id', eb.fn.countAll<number>().as('secrets')])
    .groupBy('key_id')
    .execute()
  return rows.map(({ key_id, secrets }) => ({ keyId: key_id, secrets: Number(secrets) }))
}

/** Some of those that a master key encrypts, for a rotation. */
export async function listSecretsOfMasterKeyAcrossOrgs(
  db: Db,
  { keyId, limit }: { keyId: string; limit: number },
): Promise<SealedSecret[]> {
  const rows = await db
    .selectFrom('credentials')
    .select(['id', 'org_id', 'secret', 'version'])
    .where('key_id', '=', keyId)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(toSealedSecret)
}

/** Puts the same secret there, encrypted anew; does nothing when there is another one by now. */
export async function replaceSealedSecret(
  trx: Trx,
  orgId: OrgId,
  { credentialId, version, secret, keyId }: Omit<SealedSecret, 'orgId'> & { keyId: string },
): Promise<void> {
  await trx
    .updateTable('credentials')
    .set({ secret, key_id: keyId })
    .where('org_id', '=', orgId)
    .where('id', '=', credentialId)
    .where('version', '=', version)
    .execute()
}

function toCredential(row: Pick<Selectable<CredentialsTable>, (typeof SHOWN)[number]>): Credential {
  return {
    id: row.id,
    orgId: row.org_id,
    name: row.name,
    kind: row.kind,
    fingerprint: row.fingerprint,
    createdAt: toIso(row.created_at),
    updatedAt: toIso(row.updated_at),
  }
}

function toSealedSecret(row: {
  id: CredentialId
  org_id: OrgId
  secret: string
  version: number
}): SealedSecret {
  return { orgId: row.org_id, credentialId: row.id, secret: row.secret, version: row.version }
}
