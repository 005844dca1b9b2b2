import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Db, Trx } from '../../db/database.js'
import {
  countOpenInvites,
  findInvite,
  insertInvite,
  listInvites,
  revokeInvite,
} from '../../db/repositories/invite.repository.js'
import { SYSTEM_USER_ID } from '../../db/repositories/user.repository.js'
import { KrownError, notFound, validationError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { InviteId } from '../../model/ids.js'
import {
  type CreateInviteInput,
  DEFAULT_INVITE_DAYS,
  type Invite,
  type NewInvite,
} from '../../model/invite.js'
import type { Page, PageQuery } from '../../model/page.js'
import type { Gate } from '../gate/gate.js'
import { requireMayRaise } from '../people/raised-rights.js'
import { hashTokenSecret, newTokenSecret } from '../tokens/secret-token.js'
import { inviteFormat } from './invite-format.js'

export interface InvitesDeps {
  readonly gate: Gate
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  readonly newId: NewId
}

const DAY_MS = 86_400_000
const LONGEST_DAYS = 365
/** That can be used: each lets somebody in, and who makes them in a loop made a mistake. */
const MAX_OPEN_OF_ORG = 1_000
const MAX_OPEN_OF_MAKER = 100
/** How long one that ended is still listed; the journal has it for good. */
export const ENDED_INVITES_KEPT_MS = 30 * DAY_MS

/** Invites that admins make; `InviteDesk` is where they are used. */
export class Invites {
  readonly #deps: InvitesDeps

  constructor(deps: InvitesDeps) {
    this.#deps = deps
  }

  /** @throws KrownError FORBIDDEN, also as an admin by an API token; QUOTA_EXCEEDED, VALIDATION_FAILED */
  async create(actor: Actor, input: CreateInviteInput = {}): Promise<NewInvite> {
    return this.#deps.gate.run(actor, { permission: 'user:manage' }, async () => {
      requireMayRaise(actor, { role: input.role ?? 'readonly' })
      const secret = newTokenSecret()
      const invite = this.#draft(actor, input)
      await this.#deps.journal.transact(
        actor.orgId,
        (trx) => this.#store(trx, invite, hashTokenSecret(secret)),
        () => [{ action: 'invite.created', ...about(actor, invite) }],
      )
      return { ...invite, token: inviteFormat.format({ id: invite.id, secret }) }
    })
  }

  async list(actor: Actor, query: PageQuery = {}): Promise<Page<Invite>> {
    return this.#deps.gate.run(actor, { permission: 'user:manage' }, () =>
      listInvites(this.#deps.db, actor.orgId, query),
    )
  }

  /** @throws KrownError NOT_FOUND; CONFLICT when it was used. */
  async revoke(actor: Actor, id: InviteId): Promise<Invite> {
    const useCase = { permission: 'user:manage', resource: { kind: 'invite', id } } as const
    return this.#deps.gate.run(actor, useCase, async () => {
      const { journal, clock } = this.#deps
      const { invite } = await journal.transact(
        actor.orgId,
        async (trx) => {
          const isNew = await revokeInvite(trx, actor.orgId, { id, at: clock.now() })
          const invite = await findInvite(trx, actor.orgId, id)
          if (!invite) throw notFound('invite')
          if (invite.usedAt !== null)
            throw new KrownError('CONFLICT', 'the invite was used: disable the user instead')
          return { invite, isNew }
        },
        (result) => (result.isNew ? [{ action: 'invite.revoked', ...about(actor, result.invite) }] : []),
      )
      return invite
    })
  }

  // Under the journal's lock, so of two that are made at once the second sees the first.
  async #store(trx: Trx, invite: Invite, secretHash: string): Promise<void> {
    const { orgId, createdBy } = invite
    const at = Date.parse(invite.createdAt)
    const { ofOrg, ofUser } = await countOpenInvites(trx, orgId, { userId: createdBy, at })
    if (ofOrg >= MAX_OPEN_OF_ORG) throw tooMany('an organization', MAX_OPEN_OF_ORG)
    // An embedding program may invite for everybody.
    if (ofUser >= MAX_OPEN_OF_MAKER && createdBy !== SYSTEM_USER_ID) {
      throw tooMany('an admin', MAX_OPEN_OF_MAKER)
    }
    await insertInvite(trx, orgId, toRow(invite, secretHash))
  }

  #draft(actor: Actor, { role = 'readonly', note, expiresAt }: CreateInviteInput): Invite {
    const now = this.#deps.clock.now()
    return {
      id: this.#deps.newId(),
      orgId: actor.orgId,
      role,
      note: note ?? null,
      createdBy: actor.userId,
      createdAt: new Date(now).toISOString(),
      expiresAt: new Date(endOf(expiresAt, now)).toISOString(),
      usedAt: null,
      usedBy: null,
      revokedAt: null,
    }
  }
}

function tooMany(who: string, limit: number): KrownError {
  return new KrownError('QUOTA_EXCEEDED', `${who} has at most ${limit} open invites: revoke some`, {
    details: { limit },
  })
}

/** Epoch milliseconds. */
function endOf(expiresAt: string | undefined, now: number): number {
  if (expiresAt === undefined) return now + DEFAULT_INVITE_DAYS * DAY_MS
  const at = Date.parse(expiresAt)
  if (at > now && at <= now + LONGEST_DAYS * DAY_MS) return at
  throw validationError([{ path: 'expiresAt', message: 'must be in the future, and within a year' }])
}

function toRow(invite: Invite, secretHash: string) {
  return {
    id: invite.id,
    org_id: invite.orgId,
    secret_hash: secretHash,
    role: invite.role,
    note: invite.note,
    created_by: invite.createdBy,
    created_at: Date.parse(invite.createdAt),
    expires_at: Date.parse(invite.expiresAt),
  }
}

function about(actor: Actor, invite: Invite): Omit<JournalDraft, 'action'> {
  return {
    outcome: 'success',
    actor,
    resource: { kind: 'invite', id: invite.id },
    facts: { role: invite.role, expiresAt: invite.expiresAt },
    ...(invite.note !== null && { details: { note: invite.note } }),
  }
}
