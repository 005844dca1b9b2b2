import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { KrownError } from '../errors/krown-error.js'
import type { OrgId } from '../model/ids.js'
import type { Keyring, MasterKeyId } from './keyring.js'

/** Where a secret is kept. It can be decrypted for that place and for no other. */
export interface SecretPlace {
  readonly table: string
  readonly column: string
  readonly orgId: OrgId
  readonly rowId: string
  /** Raised with each new secret of the row, so that an old one cannot be put back. */
  readonly version: number
}

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** Format, key id, nonce, ciphertext and tag. */
const SEALED = /^kv1\.([0-9a-f]{8})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{22,})$/

/** Encrypts secrets for the place where they are kept (AES-256-GCM, a key of each organization). */
export class Vault {
  readonly #keyring: Keyring

  constructor(keyring: Keyring) {
    this.#keyring = keyring
  }

  /**
   * @returns `kv1.<key id>.<nonce>.<ciphertext and tag>`, both base64url.
   * @throws KrownError CONFLICT when that master key was not given.
   */
  seal(secret: string, place: SecretPlace, keyId: MasterKeyId): string {
    const nonce = randomBytes(NONCE_BYTES)
    const key = this.#keyring.organizationKey(keyId, place.orgId)
    const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(bindingOf(place))
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()])
    key.fill(0)
    return `kv1.${keyId}.${nonce.toString('base64url')}.${sealed.toString('base64url')}`
  }

  /**
   * @throws KrownError INTERNAL when it was changed, or is not of that place; CONFLICT when its master key was
   * not given.
   */
  open(sealed: string, place: SecretPlace): string {
    const [, keyId = '', nonce = '', body = ''] = SEALED.exec(sealed) ?? []
    const bytes = Buffer.from(body, 'base64url')
    // The last character has bits that mean nothing; a text that differs in them was changed all the same.
    if (keyId === '' || bytes.toString('base64url') !== body) throw undecipherable()
    const key = this.#keyring.organizationKey(keyId, place.orgId)
    try {
      const decipher = createDecipheriv(CIPHER, key, Buffer.from(nonce, 'base64url'), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(bindingOf(place))
        .setAuthTag(bytes.subarray(-TAG_BYTES))
      return decipher.update(bytes.subarray(0, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    } catch (error) {
      throw undecipherable(error)
    } finally {
      key.fill(0)
    }
  }
}

// None of the parts has a bar in it: names of ours, UUIDs and a number.
function bindingOf({ table, column, orgId, rowId, version }: SecretPlace): Buffer {
  return Buffer.from(`krown:v1|${table}|${column}|${orgId}|${rowId}|${version}`)
}

function undecipherable(cause?: unknown): KrownError {
  return new KrownError('INTERNAL', 'a stored secret cannot be decrypted', { cause })
}
