import type { Clock } from '../../base/clock.js'
import type { Database, Trx } from '../../db/database.js'
import {
  deleteCredential,
  detachCredential,
  findCredential,
  listSecretsOfMasterKeyAcrossOrgs,
} from '../../db/repositories/credential.repository.js'
import { raiseInventoryRevision } from '../../db/repositories/inventory-revision.repository.js'
import {
  buryRecording,
  findRecording,
  listRecordingKeysOfMasterKeyAcrossOrgs,
} from '../../db/repositories/recording.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { SystemActor } from '../../model/actor.js'
import type { Credential } from '../../model/credential.js'
import type { CredentialId, OrgId } from '../../model/ids.js'
import { recordingDeleted } from '../../recordings/recording-entries.js'
import type { RecordingStore } from '../../recordings/recording-store.js'
import type { Keyring, MasterKeyId } from '../../vault/keyring.js'
import { credentialDeleted } from './credential-entries.js'

export interface ForgettingDeps {
  readonly database: Database
  readonly journal: Journal
  readonly keyring: Keyring
  readonly files: Pick<RecordingStore, 'remove'>
  readonly clock: Clock
  systemActor(orgId: OrgId): Promise<SystemActor>
}

/**
 * Deletes the credentials and recordings that only a lost master key could decrypt: with them no process starts. Targets
 * that used such a credential have none afterwards; of a recording its row is left.
 *
 * @returns How many there were.
 * @throws KrownError CONFLICT when the key was given, so that nothing is lost.
 */
export async function forgetMasterKey(deps: ForgettingDeps, id: MasterKeyId): Promise<number> {
  const { keyring } = deps
  if (keyring.has(id)) throw new KrownError('CONFLICT', `the master key ${id} is given, so nothing is lost`)
  return (await forgetCredentials(deps, id)) + (await forgetRecordings(deps, id))
}

async function forgetCredentials({ database, journal, systemActor }: ForgettingDeps, id: MasterKeyId) {
  let forgotten = 0
  const findOne = async () =>
    (await listSecretsOfMasterKeyAcrossOrgs(database.db, { keyId: id, limit: 1 })).at(0)
  for (let lost = await findOne(); lost; lost = await findOne()) {
    const { orgId, credentialId } = lost
    const actor = await systemActor(orgId)
    await journal.transact(
      orgId,
      (trx) => remove(trx, orgId, credentialId),
      (credential) => (credential ? [credentialLost(actor, credential, id)] : []),
    )
    forgotten += 1
  }
  return forgotten
}

async function forgetRecordings(deps: ForgettingDeps, keyId: MasterKeyId): Promise<number> {
  const { database, journal, clock, files } = deps
  let forgotten = 0
  const findOne = async () =>
    (await listRecordingKeysOfMasterKeyAcrossOrgs(database.db, { keyId, limit: 1 })).at(0)
  for (let lost = await findOne(); lost; lost = await findOne()) {
    const { orgId, id } = lost
    const actor = await deps.systemActor(orgId)
    await journal.transact(
      orgId,
      async (trx) => {
        const recording = await findRecording(trx, orgId, id)
        await buryRecording(trx, orgId, { id, at: clock.now(), evenIfOpen: true })
        return recording
      },
      (recording) => (recording ? [recordingDeleted(recording, actor, 'master_key_lost')] : []),
    )
    await files.remove({ orgId, id })
    forgotten += 1
  }
  return forgotten
}

function credentialLost(
  actor: SystemActor,
  credential: Credential,
  lostMasterKey: MasterKeyId,
): JournalDraft {
  const entry = credentialDeleted(actor, credential)
  return { ...entry, facts: { ...entry.facts, lostMasterKey } }
}

async function remove(trx: Trx, orgId: OrgId, id: CredentialId): Promise<Credential | undefined> {
  const credential = await findCredential(trx, orgId, id)
  await detachCredential(trx, orgId, id)
  await raiseInventoryRevision(trx, orgId)
  await deleteCredential(trx, orgId, id)
  return credential
}
