import { createHash, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import type { KrownConfig } from '../config/krown-config.js'
import { parseMasterKey } from '../config/master-key.js'
import { KrownError } from '../errors/krown-error.js'
import type { OrgId } from '../model/ids.js'

const SALT = 'krown:v1'
const KEY_BYTES = 32
const ID_DIGITS = 8

/** What a master key is called: the first 8 hexadecimal digits of its SHA-256. Tells nothing about the key. */
export type MasterKeyId = string

/** The master keys that this process was given. */
export class Keyring {
  /** Of `vault.master_key`; null when none was given. */
  readonly mainId: MasterKeyId | null
  readonly #keys: ReadonlyMap<MasterKeyId, KeyObject>

  constructor({ masterKey, previousMasterKeys }: KrownConfig['vault']) {
    const main = masterKey === '' ? [] : [toEntry(masterKey)]
    this.#keys = new Map([...previousMasterKeys.map(toEntry), ...main])
    this.mainId = main[0]?.[0] ?? null
  }

  get ids(): MasterKeyId[] {
    return [...this.#keys.keys()]
  }

  has(id: MasterKeyId): boolean {
    return this.#keys.has(id)
  }

  /**
   * The key of one organization, derived from that master key (RFC 5869).
   *
   * @throws KrownError CONFLICT when the master key was not given.
   */
  organizationKey(id: MasterKeyId, orgId: OrgId): Buffer {
    const master = this.#keys.get(id)
    if (!master) throw masterKeyMissing(id)
    return Buffer.from(hkdfSync('sha256', master, SALT, orgId, KEY_BYTES))
  }
}

function toEntry(text: string): readonly [MasterKeyId, KeyObject] {
  const bytes = parseMasterKey(text)
  if (!bytes) throw new Error('a master key that was checked before is none')
  const id = createHash('sha256').update(bytes).digest('hex').slice(0, ID_DIGITS)
  // Nothing that prints objects prints what is in there.
  return [id, createSecretKey(bytes)]
}

/** Trying again does not help: this process has to be started with the key that others use. */
function masterKeyMissing(id: MasterKeyId): KrownError {
  return new KrownError('CONFLICT', `the master key ${id} is needed, which this process was not given`, {
    details: { masterKeyId: id },
  })
}
