import type { Trx } from '../../db/database.js'
import { activateMasterKey, lockActiveMasterKey } from '../../db/repositories/master-key.repository.js'
import { isKrownError, KrownError } from '../../errors/krown-error.js'
import type { Journal } from '../../journal/journal.js'
import type { SystemActor } from '../../model/actor.js'
import type { MasterKeyId } from '../../vault/keyring.js'
import { Vault } from '../../vault/vault.js'
import { type MasterKeysDeps, requireGiven } from './master-keys.js'
import { countSealedByMasterKey, listSealedByMasterKey, type SealedThing } from './sealed-things.js'

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
 * when another rotation took over; INTERNAL naming what cannot be decrypted.
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
  return [...(await countSealedByMasterKey(database.db)).keys()]
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
    const things = await listSealedByMasterKey(trx, { keyId: from, limit: BATCH })
    for (const thing of things) await resealOne(trx, rotation, thing)
    return things.length
  })
}

async function resealOne(trx: Trx, { vault, to }: Rotation, thing: SealedThing): Promise<void> {
  await thing.replace(trx, vault.seal(openNamed(vault, thing), thing.place, to), to)
}

function openNamed(vault: Vault, { sealed, place, problem }: SealedThing): string {
  try {
    return vault.open(sealed, place)
  } catch (error) {
    if (!isKrownError(error) || error.code !== 'INTERNAL') throw error
    throw new KrownError('INTERNAL', problem, { cause: error })
  }
}

function masterKeyRotated(actor: SystemActor, facts: { from: MasterKeyId | null; to: MasterKeyId }) {
  return { action: 'master_key.rotated', outcome: 'success', actor, facts } as const
}
