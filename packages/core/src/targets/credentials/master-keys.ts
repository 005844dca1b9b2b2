import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import type { Database, Db } from '../../db/database.js'
import {
  findActiveMasterKey,
  hasMasterKeys,
  insertFirstMasterKey,
  listMasterKeys,
} from '../../db/repositories/master-key.repository.js'
import { toIso, toIsoOrNull } from '../../db/repositories/timestamps.js'
import { type KrownError, validationError } from '../../errors/krown-error.js'
import type { Keyring, MasterKeyId } from '../../vault/keyring.js'
import { countSealedByMasterKey } from './sealed-things.js'

/** A master key of this database. Times are ISO 8601 in UTC. */
export interface MasterKeyStatus {
  /** The first 8 hexadecimal digits of its SHA-256. */
  readonly id: MasterKeyId
  /** New secrets are encrypted with it. */
  readonly active: boolean
  /** The configuration has it. */
  readonly given: boolean
  /** How many secrets and recordings need it to be read. */
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
  requireGiven(keyring, [...(await countSealedByMasterKey(database.db)).keys()])
  if (active !== undefined && !keyring.has(active)) throw activeKeyNeeded(active, keyring)
  if (mainId !== null && mainId !== active) {
    logger.warn({ masterKeyId: mainId }, 'vault.master_key is not in use yet: run krown-server keys rotate')
  }
}

/** Of the key for new secrets, and of whichever encrypts stored ones; none before the first migration. */
export async function listNeededMasterKeys(db: Db): Promise<MasterKeyId[]> {
  if (!(await hasMasterKeys(db))) return []
  const active = await findActiveMasterKey(db)
  const used = await countSealedByMasterKey(db)
  return [...new Set([...(active === undefined ? [] : [active]), ...used.keys()])]
}

/** Every key that the database or the configuration knows of. */
export async function describeMasterKeys({
  database: { db },
  keyring,
}: Omit<MasterKeysDeps, 'clock'>): Promise<MasterKeyStatus[]> {
  const rows = await listMasterKeys(db)
  const used = await countSealedByMasterKey(db)
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

function keysNeeded(missing: readonly MasterKeyId[], keyring: Keyring): KrownError {
  return missingKeys(
    missing.map(
      (id) =>
        `key ${id} is needed to read stored secrets, and ${given(keyring)}; it may stand in vault.previous_master_keys`,
    ),
  )
}

/** Nothing is lost without it; but another process may have it, which could not read what this one would store. */
function activeKeyNeeded(id: MasterKeyId, keyring: Keyring): KrownError {
  return missingKeys([
    `key ${id} is the one for new secrets, though it encrypts none yet, and ${given(keyring)}; if no process has it, krown-server keys rotate puts another in its place`,
  ])
}

function given({ mainId }: Keyring): string {
  return mainId === null ? 'none was given' : `the one given is ${mainId}`
}

function missingKeys(messages: readonly string[]): KrownError {
  const fields = messages.map((message) => ({ path: 'vault.master_key', message }))
  return validationError(fields, 'a master key is missing')
}
