import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import type { Database } from '../../db/database.js'
import { countSecretsByMasterKeyAcrossOrgs } from '../../db/repositories/credential.repository.js'
import {
  findActiveMasterKey,
  insertFirstMasterKey,
  listMasterKeys,
} from '../../db/repositories/master-key.repository.js'
import { toIso, toIsoOrNull } from '../../db/repositories/timestamps.js'
import { type KrownError, validationError } from '../../errors/krown-error.js'
import type { Keyring, MasterKeyId } from '../../vault/keyring.js'

/** A master key of this database. Times are ISO 8601 in UTC. */
export interface MasterKeyStatus {
  /** The first 8 hexadecimal digits of its SHA-256. */
  readonly id: MasterKeyId
  /** New secrets are encrypted with it. */
  readonly active: boolean
  /** The configuration has it. */
  readonly given: boolean
  /** How many secrets need it to be read. */
  readonly secrets: number
  /** When it was first used; null for one that never was. */
  readonly createdAt: string | null
  readonly retiredAt: string | null
}

export interface MasterKeysDeps {
  readonly database: Database
  readonly keyring: Keyring
  readonly clock: Clock
}

/**
 * Agrees with the other processes on the key that new secrets are encrypted with: the first of them decides, and
 * later only a rotation changes it.
 *
 * @throws KrownError VALIDATION_FAILED when a key is needed that was not given; the message names it.
 */
export async function claimMasterKey(deps: MasterKeysDeps & { logger: Logger }): Promise<void> {
  const { database, keyring, clock, logger } = deps
  const { mainId } = keyring
  if (mainId !== null && (await findActiveMasterKey(database.db)) === undefined) {
    await insertFirstMasterKey(database.db, { id: mainId, at: clock.now() })
  }
  // Read again: of two who were first, one was.
  const active = await findActiveMasterKey(database.db)
  const used = await countSecretsByMasterKeyAcrossOrgs(database.db)
  requireGiven(keyring, [...used.map(({ keyId }) => keyId), ...(active === undefined ? [] : [active])])
  if (mainId !== null && mainId !== active) {
    logger.warn({ masterKeyId: mainId }, 'vault.master_key is not in use yet: run krown-server keys rotate')
  }
}

/** Every key that the database or the configuration knows of. */
export async function describeMasterKeys({
  database: { db },
  keyring,
}: Omit<MasterKeysDeps, 'clock'>): Promise<MasterKeyStatus[]> {
  const rows = await listMasterKeys(db)
  const used = new Map((await countSecretsByMasterKeyAcrossOrgs(db)).map((use) => [use.keyId, use.secrets]))
  const known = rows.map((row) => ({
    id: row.key_id,
    active: row.active === 1,
    given: keyring.has(row.key_id),
    secrets: used.get(row.key_id) ?? 0,
    createdAt: toIso(row.created_at),
    retiredAt: toIsoOrNull(row.retired_at),
  }))
  const unused = keyring.ids.filter((id) => !rows.some(({ key_id }) => key_id === id))
  return [
    ...known,
    ...unused.map((id) => ({
      id,
      active: false,
      given: true,
      secrets: 0,
      createdAt: null,
      retiredAt: null,
    })),
  ]
}

/** @throws KrownError VALIDATION_FAILED naming those that were not given. */
export function requireGiven(keyring: Keyring, needed: readonly MasterKeyId[]): void {
  const missing = [...new Set(needed)].filter((id) => !keyring.has(id))
  if (missing.length > 0) throw keysNeeded(missing, keyring)
}

function keysNeeded(missing: readonly MasterKeyId[], { mainId }: Keyring): KrownError {
  const given = mainId === null ? 'none was given' : `the one given is ${mainId}`
  const fields = missing.map((id) => ({
    path: 'vault.master_key',
    message: `key ${id} is needed to read stored secrets, and ${given}; it may stand in vault.previous_master_keys`,
  }))
  return validationError(fields, 'a master key is missing')
}
