import { randomBytes } from 'node:crypto'
import type { Database } from '../db/database.js'
import { activeMasterKeyQuery, findActiveMasterKey } from '../db/repositories/master-key.repository.js'
import type { SealedRecordingKey } from '../db/repositories/recording.repository.js'
import type { UnitQuery } from '../journal/unit-query.js'
import type { OrgId, RecordingId } from '../model/ids.js'
import type { MasterKeyId } from '../vault/keyring.js'
import type { SecretPlace, Vault } from '../vault/vault.js'
import { recordingUnavailable } from './recording-errors.js'

const KEY_BYTES = 32

/** The key of a file, ready to be stored. */
export interface SealedKey {
  readonly sealedKey: string
  readonly keyId: MasterKeyId
  /** Fails the unit that stores it when another master key is active by then: see {@link RecordingKeys.load}. */
  readonly guard: UnitQuery
}

/** The keys of recordings: one of each, encrypted with the master key that is active. */
export class RecordingKeys {
  readonly #database: Database
  readonly #vault: Vault
  #active: MasterKeyId | undefined

  constructor({ database, vault }: { database: Database; vault: Vault }) {
    this.#database = database
    this.#vault = vault
  }

  /** Looks which master key is active: at start, and when a rotation changed it. */
  async load(): Promise<void> {
    this.#active = await findActiveMasterKey(this.#database.db)
  }

  make(): Buffer {
    return randomBytes(KEY_BYTES)
  }

  /** @throws KrownError AUDIT_UNAVAILABLE without a master key; CONFLICT when this process lacks the active one. */
  seal(key: Buffer, orgId: OrgId, id: RecordingId): SealedKey {
    const keyId = this.#active
    if (keyId === undefined) throw recordingUnavailable(new Error('there is no master key'))
    const { db, kind } = this.#database
    const guard = { ...activeMasterKeyQuery(db, keyId, kind).compile(), mustTouch: 1 }
    const sealedKey = this.#vault.seal(key.toString('base64'), recordingKeyPlace(orgId, id), keyId)
    return { sealedKey, keyId, guard }
  }

  /** @throws KrownError INTERNAL when it was changed; CONFLICT when this process lacks its master key. */
  open({ orgId, id, sealedKey }: SealedRecordingKey): Buffer {
    return Buffer.from(this.#vault.open(sealedKey, recordingKeyPlace(orgId, id)), 'base64')
  }
}

/** A recording has one key for ever. */
export function recordingKeyPlace(orgId: OrgId, id: RecordingId): SecretPlace {
  return { table: 'recordings', column: 'sealed_key', orgId, rowId: id, version: 1 }
}
