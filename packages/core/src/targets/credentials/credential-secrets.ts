import type { Database, Trx } from '../../db/database.js'
import { findSealedSecret } from '../../db/repositories/credential.repository.js'
import { lockActiveMasterKey } from '../../db/repositories/master-key.repository.js'
import { KrownError, notFound } from '../../errors/krown-error.js'
import type { CredentialKind } from '../../model/credential.js'
import type { CredentialId, OrgId } from '../../model/ids.js'
import type { AuthMethod, SessionAuth } from '../../model/session.js'
import type { MasterKeyId } from '../../vault/keyring.js'
import type { SecretPlace, Vault } from '../../vault/vault.js'

/** What a session signs in with that uses a credential of that kind. */
export const AUTH_METHOD_OF = {
  password: 'password',
  private_key: 'key',
} as const satisfies Record<CredentialKind, AuthMethod>

/** A secret ready to be stored. */
export interface SealedCredential {
  readonly secret: string
  readonly keyId: MasterKeyId
}

/** Which version of which credential a secret is. */
export interface CredentialVersion {
  readonly id: CredentialId
  readonly version: number
}

export interface CredentialSecretsDeps {
  readonly database: Database
  readonly vault: Vault
}

/** The secrets themselves: sealed when they are stored, opened on the way into a dial and nowhere else. */
export class CredentialSecrets {
  readonly #deps: CredentialSecretsDeps

  constructor(deps: CredentialSecretsDeps) {
    this.#deps = deps
  }

  /**
   * Decrypts it. For the dial alone: keep it in no object that lives longer, and in no text.
   *
   * @throws KrownError NOT_FOUND when the organization has none with that id; CONFLICT when this process lacks
   * its master key; INTERNAL when it was changed behind Krown's back.
   */
  async secretFor(orgId: OrgId, id: CredentialId): Promise<SessionAuth> {
    const sealed = await findSealedSecret(this.#deps.database.db, orgId, id)
    if (!sealed) throw notFound('credential')
    return JSON.parse(this.#deps.vault.open(sealed.secret, placeOf(orgId, { id, version: sealed.version })))
  }

  /**
   * Encrypts it with the key that is active until the transaction ends.
   *
   * @throws KrownError CONFLICT without a master key, and when this process lacks the active one.
   */
  async seal(
    trx: Trx,
    orgId: OrgId,
    { secret, ...of }: CredentialVersion & { secret: SessionAuth },
  ): Promise<SealedCredential> {
    const { database, vault } = this.#deps
    const keyId = await lockActiveMasterKey(trx, database.kind)
    if (keyId === undefined) throw withoutMasterKey()
    return { keyId, secret: vault.seal(JSON.stringify(secret), placeOf(orgId, of), keyId) }
  }
}

export function placeOf(orgId: OrgId, { id, version }: CredentialVersion): SecretPlace {
  return { table: 'credentials', column: 'secret', orgId, rowId: id, version }
}

function withoutMasterKey(): KrownError {
  return new KrownError(
    'CONFLICT',
    'secrets cannot be stored: this Krown has no master key (vault.master_key)',
  )
}
