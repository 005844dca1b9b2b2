import { z } from 'zod'
import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import { parseInput } from '../../base/parse-input.js'
import type { Db, Trx } from '../../db/database.js'
import { isUniqueViolation } from '../../db/db-errors.js'
import { insertMembership, updateMembership } from '../../db/repositories/membership.repository.js'
import { organizationExists } from '../../db/repositories/organization.repository.js'
import {
  type ExternalUser,
  findExternalUser,
  insertUser,
  updateUser,
} from '../../db/repositories/user.repository.js'
import { notFound, validationError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { ExternalActor, ExternalIdentity, SystemActor } from '../../model/actor.js'
import type { OrgId, UserId } from '../../model/ids.js'
import { orgIdSchema } from '../../model/ids-schema.js'
import { nameText } from '../../model/text.js'
import { roleSchema } from '../../model/user.js'
import { type HomeOrg, SYSTEM_ISSUER } from './default-org.js'

const identitySchema = z.strictObject({
  issuer: nameText(512),
  subject: nameText(512),
  displayName: nameText(256),
  role: roleSchema,
  orgId: orgIdSchema.optional(),
  clientIp: z.string().max(64).optional(),
}) satisfies z.ZodType<ExternalIdentity>

export interface ExternalActorsDeps {
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  readonly newId: NewId
  readonly home: HomeOrg
  readonly onUserChanged: (userId: UserId) => void
}

interface Wanted {
  readonly orgId: OrgId
  readonly identity: ExternalIdentity
}

interface Kept {
  readonly userId: UserId
  readonly entries: readonly Omit<JournalDraft, 'actor' | 'outcome' | 'resource'>[]
}

/** Users whom the embedding program vouches for: known by issuer and subject, without a password. */
export class ExternalActors {
  readonly #deps: ExternalActorsDeps

  constructor(deps: ExternalActorsDeps) {
    this.#deps = deps
  }

  /**
   * The actor of that identity; makes the user at first sight, and keeps name and role in step with what the
   * program says now.
   *
   * @throws KrownError VALIDATION_FAILED; NOT_FOUND when there is no such organization.
   */
  async external(given: ExternalIdentity): Promise<ExternalActor> {
    const identity = parseInput(identitySchema, given)
    if (identity.issuer === SYSTEM_ISSUER) {
      throw validationError([{ path: 'issuer', message: 'is reserved' }])
    }
    const orgId = identity.orgId ?? this.#deps.home.orgId
    const known = await findExternalUser(this.#deps.db, orgId, identity)
    const userId = known && isInStep(known, identity) ? known.userId : await this.#keep({ orgId, identity })
    const { displayName: username, clientIp = null } = identity
    return { kind: 'external', userId, orgId, username, clientIp }
  }

  async #keep(wanted: Wanted): Promise<UserId> {
    const { db, onUserChanged } = this.#deps
    if (!(await organizationExists(db, wanted.orgId))) throw notFound('organization')
    const userId = await this.#store(wanted).catch((error: unknown) => {
      // First seen in two organizations at once: now there is a user to give the second membership.
      if (isUniqueViolation(error)) return this.#store(wanted)
      throw error
    })
    onUserChanged(userId)
    return userId
  }

  async #store(wanted: Wanted): Promise<UserId> {
    const { orgId } = wanted
    const actor: SystemActor = {
      ...this.#deps.home.system,
      orgId,
      clientIp: wanted.identity.clientIp ?? null,
    }
    const kept = await this.#deps.journal.transact(
      orgId,
      (trx) => this.#upsert(trx, wanted),
      ({ userId, entries }) =>
        entries.map((entry) => ({
          ...entry,
          outcome: 'success',
          actor,
          resource: { kind: 'user', id: userId },
        })),
    )
    return kept.userId
  }

  async #upsert(trx: Trx, { orgId, identity }: Wanted): Promise<Kept> {
    const known = await findExternalUser(trx, orgId, identity)
    if (!known) return this.#insert(trx, { orgId, identity })
    const { userId } = known
    const { role, displayName } = identity
    if (known.role === null) {
      await insertMembership(trx, orgId, { userId, role, createdAt: this.#deps.clock.now() })
    } else await updateMembership(trx, orgId, { userId, set: { role } })
    await updateUser(trx, orgId, { userId, set: { display_name: displayName } })
    return { userId, entries: changes(known, identity) }
  }

  async #insert(trx: Trx, { orgId, identity }: Wanted): Promise<Kept> {
    const userId = this.#deps.newId<UserId>()
    const createdAt = this.#deps.clock.now()
    await insertUser(trx, orgId, {
      id: userId,
      display_name: identity.displayName,
      external_issuer: identity.issuer,
      external_subject: identity.subject,
      is_instance_admin: 0,
      token_version: 0,
      created_at: createdAt,
    })
    await insertMembership(trx, orgId, { userId, role: identity.role, createdAt })
    return { userId, entries: [created(identity)] }
  }
}

function isInStep(known: ExternalUser, { role, displayName }: ExternalIdentity): boolean {
  return known.role === role && known.displayName === displayName
}

function changes(known: ExternalUser, identity: ExternalIdentity): Kept['entries'] {
  const { role, displayName } = identity
  if (known.role === null) return [created(identity)]
  const renamed = { action: 'user.renamed', details: { from: known.displayName, to: displayName } }
  const roleChanged = { action: 'user.role_changed', facts: { from: known.role, to: role } }
  return [
    ...(known.displayName === displayName ? [] : [renamed]),
    ...(known.role === role ? [] : [roleChanged]),
  ]
}

function created({ issuer, subject, displayName, role }: ExternalIdentity): Kept['entries'][number] {
  const details = { username: displayName, issuer, subject }
  return { action: 'user.created', facts: { role, source: 'external' }, details }
}
