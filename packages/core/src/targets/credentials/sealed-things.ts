import type { Db, Trx } from '../../db/database.js'
import {
  countSecretsByMasterKeyAcrossOrgs,
  listSecretsOfMasterKeyAcrossOrgs,
  replaceSealedSecret,
} from '../../db/repositories/credential.repository.js'
import {
  countRecordingsByMasterKeyAcrossOrgs,
  hasRecordingsAcrossOrgs,
  listRecordingKeysOfMasterKeyAcrossOrgs,
  replaceRecordingKey,
} from '../../db/repositories/recording.repository.js'
import { recordingKeyPlace } from '../../recordings/recording-keys.js'
import type { MasterKeyId } from '../../vault/keyring.js'
import type { SecretPlace } from '../../vault/vault.js'
import { placeOf } from './credential-secrets.js'

/** Something that a master key encrypts: the secret of a credential, or the key of a recording. */
export interface SealedThing {
  /** What to say when it cannot be decrypted. */
  readonly problem: string
  readonly place: SecretPlace
  readonly sealed: string
  /** Puts the same there, encrypted anew; does nothing when it is gone, or there is another by now. */
  replace(trx: Trx, sealed: string, keyId: MasterKeyId): Promise<void>
}

/** How many things each master key encrypts. A database that waits for its migration may have no recordings yet. */
export async function countSealedByMasterKey(db: Db): Promise<Map<MasterKeyId, number>> {
  const counted = new Map<MasterKeyId, number>()
  const recordings = (await hasRecordingsAcrossOrgs(db)) ? await countRecordingsByMasterKeyAcrossOrgs(db) : []
  for (const { keyId, secrets } of [...(await countSecretsByMasterKeyAcrossOrgs(db)), ...recordings]) {
    counted.set(keyId, (counted.get(keyId) ?? 0) + secrets)
  }
  return counted
}

/** Some of what that master key encrypts. */
export async function listSealedByMasterKey(
  db: Db,
  some: { keyId: MasterKeyId; limit: number },
): Promise<SealedThing[]> {
  const secrets = await listSecretsOfMasterKeyAcrossOrgs(db, some)
  if (secrets.length > 0) return secrets.map(ofCredential)
  return (await listRecordingKeysOfMasterKeyAcrossOrgs(db, some)).map(ofRecording)
}

function ofCredential({
  orgId,
  credentialId,
  version,
  secret,
}: Awaited<ReturnType<typeof listSecretsOfMasterKeyAcrossOrgs>>[number]): SealedThing {
  return {
    problem: `credential ${credentialId} cannot be decrypted: give it a new secret or delete it, then go on`,
    place: placeOf(orgId, { id: credentialId, version }),
    sealed: secret,
    replace: (trx, sealed, keyId) =>
      replaceSealedSecret(trx, orgId, { credentialId, version, secret: sealed, keyId }),
  }
}

function ofRecording({
  orgId,
  id,
  sealedKey,
}: Awaited<ReturnType<typeof listRecordingKeysOfMasterKeyAcrossOrgs>>[number]): SealedThing {
  return {
    problem: `the key of recording ${id} cannot be decrypted: delete the recording, then go on`,
    place: recordingKeyPlace(orgId, id),
    sealed: sealedKey,
    replace: (trx, sealed, keyId) => replaceRecordingKey(trx, orgId, { id, sealedKey: sealed, keyId }),
  }
}
