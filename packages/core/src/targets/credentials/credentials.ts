import type { Gate } from '../../auth/gate/gate.js'
import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Db, Trx } from '../../db/database.js'
import { isUniqueViolation } from '../../db/db-errors.js'
import {
  countCredentials,
  countCredentialTargets,
  deleteCredential,
  findCredential,
  findSealedSecret,
  insertCredential,
  listCredentials,
  updateCredential,
} from '../../db/repositories/credential.repository.js'
import { KrownError, notFound } from '../../errors/krown-error.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type {
  CreateCredentialInput,
  Credential,
  CredentialKind,
  CredentialQuery,
  UpdateCredentialInput,
} from '../../model/credential.js'
import type { CredentialId, OrgId } from '../../model/ids.js'
import type { Page } from '../../model/page.js'
import type { PrivateKeyReader } from '../../ssh/private-key.js'
import { type CheckedSecret, checkSecret } from './check-secret.js'
import {
  type CredentialChange,
  credentialCreated,
  credentialDeleted,
  credentialUpdated,
} from './credential-entries.js'
import type { CredentialSecrets } from './credential-secrets.js'

/** Of one organization: who needs more makes them in a loop by mistake. */
const MAX_CREDENTIALS = 10_000

export interface CredentialsDeps {
  readonly gate: Gate
  readonly db: Db
  readonly journal: Journal
  readonly time: { clock: Clock; newId: NewId }
  readonly secrets: CredentialSecrets
  readonly keys: PrivateKeyReader
}

/** The stored secrets of an organization, as its admins see them: everything but the secret. */
export class Credentials {
  readonly #deps: CredentialsDeps

  constructor(deps: CredentialsDeps) {
    this.#deps = deps
  }

  /** See `KrownClient.credentials.list`. */
  async list(actor: Actor, query: CredentialQuery = {}): Promise<Page<Credential>> {
    return this.#deps.gate.run(actor, { permission: 'credential:manage' }, () =>
      listCredentials(this.#deps.db, actor.orgId, query),
    )
  }

  async get(actor: Actor, id: CredentialId): Promise<Credential> {
    return this.#run(actor, id, () => requireCredential(this.#deps.db, actor.orgId, id))
  }

  /** See `KrownClient.credentials.create`. */
  async create(actor: Actor, input: CreateCredentialInput): Promise<Credential> {
    return this.#deps.gate.run(actor, { permission: 'credential:manage' }, async () => {
      const { name, kind } = input
      // Slow, so before the transaction.
      const checked = await checkSecret(this.#deps.keys, kind, input)
      if (!checked) throw new Error('a credential that was checked has no secret')
      return this.#deps.journal.transact(
        actor.orgId,
        (trx) => this.#insert(trx, actor.orgId, { name, kind, checked }),
        (credential) => [credentialCreated(actor, credential)],
      )
    })
  }

  /** See `KrownClient.credentials.update`. */
  async update(
    actor: Actor,
    id: CredentialId,
    { name, ...secret }: UpdateCredentialInput,
  ): Promise<Credential> {
    return this.#run(actor, id, async () => {
      const { kind } = await requireCredential(this.#deps.db, actor.orgId, id)
      const checked = await checkSecret(this.#deps.keys, kind, secret)
      const { after } = await this.#deps.journal.transact(
        actor.orgId,
        (trx) => this.#change(trx, actor.orgId, { id, name, checked }),
        (change) => credentialUpdated(actor, change),
      )
      return after
    })
  }

  /** See `KrownClient.credentials.delete`. */
  async delete(actor: Actor, id: CredentialId): Promise<Credential> {
    return this.#run(actor, id, () =>
      this.#deps.journal.transact(
        actor.orgId,
        (trx) => remove(trx, actor.orgId, id),
        (credential) => [credentialDeleted(actor, credential)],
      ),
    )
  }

  #run<T>(actor: Actor, id: CredentialId, work: () => Promise<T>): Promise<T> {
    const useCase = { permission: 'credential:manage', resource: { kind: 'credential', id } } as const
    return this.#deps.gate.run(actor, useCase, work)
  }

  async #insert(
    trx: Trx,
    orgId: OrgId,
    { name, kind, checked }: { name: string; kind: CredentialKind; checked: CheckedSecret },
  ): Promise<Credential> {
    await requireRoom(trx, orgId)
    const { clock, newId } = this.#deps.time
    const [id, version, at] = [newId<CredentialId>(), 1, clock.now()]
    const sealed = await this.#deps.secrets.seal(trx, orgId, { id, version, secret: checked.auth })
    const row = {
      id,
      org_id: orgId,
      name,
      kind,
      fingerprint: checked.fingerprint,
      secret: sealed.secret,
      key_id: sealed.keyId,
      version,
      created_at: at,
      updated_at: at,
    }
    await insertCredential(trx, orgId, row).catch(conflictIfTaken)
    return requireCredential(trx, orgId, id)
  }

  // Under the journal's lock: of two changes at once, each raises the version.
  async #change(
    trx: Trx,
    orgId: OrgId,
    {
      id,
      name,
      checked,
    }: { id: CredentialId; name?: string | undefined; checked?: CheckedSecret | undefined },
  ): Promise<CredentialChange> {
    const before = await requireCredential(trx, orgId, id)
    const set = {
      ...(name !== undefined && name !== before.name && { name }),
      ...(checked && (await this.#newColumns(trx, orgId, { id, checked }))),
    }
    if (Object.keys(set).length === 0) return { before, after: before, hasNewSecret: false }
    const updated_at = this.#deps.time.clock.now()
    await updateCredential(trx, orgId, { id, set: { ...set, updated_at } }).catch(conflictIfTaken)
    const after = await requireCredential(trx, orgId, id)
    return { before, after, hasNewSecret: checked !== undefined }
  }

  async #newColumns(trx: Trx, orgId: OrgId, { id, checked }: { id: CredentialId; checked: CheckedSecret }) {
    const stored = await findSealedSecret(trx, orgId, id)
    if (!stored) throw notFound('credential')
    const version = stored.version + 1
    const { secret, keyId } = await this.#deps.secrets.seal(trx, orgId, { id, version, secret: checked.auth })
    return { secret, key_id: keyId, version, fingerprint: checked.fingerprint }
  }
}

async function remove(trx: Trx, orgId: OrgId, id: CredentialId): Promise<Credential> {
  const credential = await requireCredential(trx, orgId, id)
  const targets = await countCredentialTargets(trx, orgId, id)
  if (targets > 0) throw inUse(targets)
  await deleteCredential(trx, orgId, id)
  return credential
}

async function requireCredential(db: Db, orgId: OrgId, id: CredentialId): Promise<Credential> {
  const credential = await findCredential(db, orgId, id)
  if (!credential) throw notFound('credential')
  return credential
}

async function requireRoom(trx: Trx, orgId: OrgId): Promise<void> {
  if ((await countCredentials(trx, orgId)) < MAX_CREDENTIALS) return
  throw new KrownError('QUOTA_EXCEEDED', `an organization has at most ${MAX_CREDENTIALS} credentials`, {
    details: { limit: MAX_CREDENTIALS },
  })
}

function conflictIfTaken(error: unknown): never {
  if (!isUniqueViolation(error)) throw error
  throw new KrownError('CONFLICT', 'there is a credential of that name', { cause: error })
}

function inUse(targets: number): KrownError {
  const users = targets === 1 ? '1 target signs in' : `${targets} targets sign in`
  return new KrownError('CONFLICT', `the credential is in use: ${users} with it`, { details: { targets } })
}
