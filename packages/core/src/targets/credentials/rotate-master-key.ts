import type { Trx } from '../../db/database.js'
import {
  countSecretsByMasterKeyAcrossOrgs,
  listSecretsOfMasterKeyAcrossOrgs,
  replaceSealedSecret,
  type SealedSecret,
} from '../../db/repositories/credential.repository.js'
import { activateMasterKey, lockActiveMasterKey } from '../../db/repositories/master-key.repository.js'
import { isKrownError, KrownError } from '../../errors/krown-error.js'
import type { Journal } from '../../journal/journal.js'
import type { SystemActor } from '../../model/actor.js'
import type { MasterKeyId } from '../../vault/keyring.js'
import { Vault } from '../../vault/vault.js'
import { placeOf } from './credential-secrets.js'
import { type MasterKeysDeps, requireGiven } from './master-keys.js'

/** One transaction; a server that runs meanwhile waits for it no longer than for one of its own. */
const BATCH = 100

export interface RotationOptions {
  /** Called after each commit with how many secrets were encrypted anew so far. */
  onProgress?(done: number): void
}

export interface RotationDeps extends MasterKeysDeps {
  readonly journal: Journal
  readonly system: SystemActor
}

interface Rotation extends RotationDeps, RotationOptions {
  readonly to: MasterKeyId
  readonly vault: Vault
}

/**
 * Makes `vault.master_key` the active key and encrypts with it every secret that is not. Servers may run meanwhile if
 * they were given both keys. What was interrupted goes on where it was when it is run again.
 *
 * @returns How many secrets were encrypted anew.
 * @throws KrownError VALIDATION_FAILED when a key is needed that was not given; CONFLICT without `vault.master_key`, or
 * when another rotation took over; INTERNAL naming a credential that cannot be decrypted.
 */
export async function rotateMasterKey(deps: RotationDeps, options: RotationOptions = {}): Promise<number> {
  const { database, keyring } = deps
  const to = keyring.mainId
  if (to === null) throw new KrownError('CONFLICT', 'vault.master_key is not given')
  requireGiven(keyring, await usedKeys(deps))
  const rotation = { ...deps, ...options, to, vault: new Vault(keyring) }
  await activate(rotation)
  let done = 0
  for (const from of (await usedKeys({ database })).filter((id) => id !== to)) {
    for (let count = await reseal(rotation, from); count > 0; count = await reseal(rotation, from)) {
      done += count
      rotation.onProgress?.(done)
    }
  }
  return done
}

async function usedKeys({ database }: Pick<RotationDeps, 'database'>): Promise<MasterKeyId[]> {
  return (await countSecretsByMasterKeyAcrossOrgs(database.db)).map(({ keyId }) => keyId)
}

// Waits for whoever stores a secret under the old key: none of those is missed later.
async function activate({ database, journal, system, clock, to }: Rotation): Promise<void> {
  await journal.transact(
    system.orgId,
    async (trx) => {
      const from = await lockActiveMasterKey(trx, database.kind)
      if (from !== to) await activateMasterKey(trx, { id: to, at: clock.now() })
      return from
    },
    (from) => (from === to ? [] : [masterKeyRotated(system, { from: from ?? null, to })]),
  )
}

/** One batch of the secrets under that key. */
async function reseal(rotation: Rotation, from: MasterKeyId): Promise<number> {
  const { database, to } = rotation
  return database.db.transaction().execute(async (trx) => {
    if ((await lockActiveMasterKey(trx, database.kind)) !== to) {
      throw new KrownError('CONFLICT', 'another rotation has begun')
    }
    const secrets = await listSecretsOfMasterKeyAcrossOrgs(trx, { keyId: from, limit: BATCH })
    for (const secret of secrets) await resealOne(trx, rotation, secret)
    return secrets.length
  })
}

async function resealOne(trx: Trx, { vault, to }: Rotation, sealed: SealedSecret): Promise<void> {
  const { orgId, credentialId, version } = sealed
  const place = placeOf(orgId, { id: credentialId, version })
  const secret = vault.seal(openNamed(vault, sealed), place, to)
  await replaceSealedSecret(trx, orgId, { credentialId, version, secret, keyId: to })
}

function openNamed(vault: Vault, { orgId, credentialId, version, secret }: SealedSecret): string {
  try {
    return vault.open(secret, placeOf(orgId, { id: credentialId, version }))
  } catch (error) {
    if (!isKrownError(error) || error.code !== 'INTERNAL') throw error
    const message = `credential ${credentialId} cannot be decrypted: give it a new secret or delete it, then go on`
    throw new KrownError('INTERNAL', message, { cause: error })
  }
}

function masterKeyRotated(actor: SystemActor, facts: { from: MasterKeyId | null; to: MasterKeyId }) {
  return { action: 'master_key.rotated', outcome: 'success', actor, facts } as const
}
