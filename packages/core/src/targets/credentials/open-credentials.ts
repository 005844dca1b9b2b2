import type { Gate } from '../../auth/gate/gate.js'
import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Logger } from '../../base/logger.js'
import type { KrownConfig } from '../../config/krown-config.js'
import type { Database } from '../../db/database.js'
import type { Journal } from '../../journal/journal.js'
import { PrivateKeyReader } from '../../ssh/private-key.js'
import { Keyring } from '../../vault/keyring.js'
import { Vault } from '../../vault/vault.js'
import { CredentialSecrets } from './credential-secrets.js'
import { Credentials } from './credentials.js'
import { claimMasterKey } from './master-keys.js'

export interface StoredCredentials {
  /** For whoever manages them. */
  readonly credentials: Credentials
  /** For the dial. */
  readonly secrets: CredentialSecrets
}

export interface StoredCredentialsDeps {
  readonly settings: KrownConfig['vault']
  readonly store: { database: Database; journal: Journal }
  readonly time: { clock: Clock; newId: NewId }
  readonly gate: Gate
  readonly logger: Logger
}

/** @throws KrownError VALIDATION_FAILED naming the master key that is needed and was not given. */
export async function openCredentials(deps: StoredCredentialsDeps): Promise<StoredCredentials> {
  const { settings, store, time, gate, logger } = deps
  const { database, journal } = store
  const keyring = new Keyring(settings)
  await claimMasterKey({ database, keyring, clock: time.clock, logger })
  const secrets = new CredentialSecrets({ database, vault: new Vault(keyring) })
  const keys = new PrivateKeyReader(time.clock)
  return { secrets, credentials: new Credentials({ gate, db: database.db, journal, time, secrets, keys }) }
}
