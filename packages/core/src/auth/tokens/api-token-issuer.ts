import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Trx } from '../../db/database.js'
import { countLiveApiTokens, insertApiToken } from '../../db/repositories/api-token.repository.js'
import { SYSTEM_USER_ID } from '../../db/repositories/user.repository.js'
import { KrownError, validationError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import {
  API_TOKEN_SCOPES,
  type ApiToken,
  type CreateApiTokenInput,
  DEFAULT_API_TOKEN_DAYS,
  type NewApiToken,
} from '../../model/api-token.js'
import { apiTokenFormat } from './api-token-format.js'
import { hashTokenSecret, newTokenSecret } from './secret-token.js'

/** Good ones of one user; nobody needs more, and who makes them in a loop made a mistake. */
const MAX_LIVE_TOKENS = 50
const DAY_MS = 24 * 60 * 60_000
/** The last moment that ISO 8601 writes with a year of four digits. */
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** Whose token it is to be. */
export type TokenOwner = Pick<Actor, 'userId' | 'orgId' | 'username'>

export interface ApiTokenIssuerDeps {
  readonly journal: Journal
  readonly clock: Clock
  readonly newId: NewId
}

/** Makes API tokens; every way of making one goes through here. */
export class ApiTokenIssuer {
  readonly #deps: ApiTokenIssuerDeps

  constructor(deps: ApiTokenIssuerDeps) {
    this.#deps = deps
  }

  now(): number {
    return this.#deps.clock.now()
  }

  /**
   * @param actor Who makes it: the owner, or somebody on the machine.
   * @throws KrownError VALIDATION_FAILED, QUOTA_EXCEEDED; FORBIDDEN for Krown itself, which needs none.
   */
  async issue(actor: Actor, owner: TokenOwner, input: CreateApiTokenInput): Promise<NewApiToken> {
    if (owner.userId === SYSTEM_USER_ID) throw new KrownError('FORBIDDEN', 'only people have API tokens')
    const secret = newTokenSecret()
    const token = this.#draft(owner, input)
    await this.#deps.journal.transact(
      owner.orgId,
      (trx) => this.#store(trx, token, hashTokenSecret(secret)),
      () => [tokenCreated(actor, owner, token)],
    )
    return { ...token, token: apiTokenFormat.format({ id: token.id, secret }) }
  }

  #draft({ orgId, userId }: TokenOwner, { name, scopes, expiresAt }: CreateApiTokenInput): ApiToken {
    const now = this.now()
    const endsAt = endOf(expiresAt, now)
    return {
      id: this.#deps.newId(),
      orgId,
      userId,
      name,
      scopes: API_TOKEN_SCOPES.filter((scope) => scopes === undefined || scopes.includes(scope)),
      createdAt: new Date(now).toISOString(),
      expiresAt: endsAt === null ? null : new Date(endsAt).toISOString(),
      lastUsedAt: null,
      revokedAt: null,
    }
  }

  // Under the journal's lock, so of two that are made at once the second sees the first.
  async #store(trx: Trx, token: ApiToken, secretHash: string): Promise<void> {
    const { id, orgId, userId, name, scopes, expiresAt } = token
    const at = Date.parse(token.createdAt)
    if ((await countLiveApiTokens(trx, orgId, { userId, at })) >= MAX_LIVE_TOKENS) {
      throw new KrownError(
        'QUOTA_EXCEEDED',
        `a user has at most ${MAX_LIVE_TOKENS} API tokens: revoke some`,
        {
          details: { limit: MAX_LIVE_TOKENS },
        },
      )
    }
    await insertApiToken(trx, orgId, {
      id,
      org_id: orgId,
      user_id: userId,
      name,
      secret_hash: secretHash,
      scopes: scopes.join(' '),
      created_at: at,
      expires_at: expiresAt === null ? null : Date.parse(expiresAt),
    })
  }
}

/** Epoch milliseconds; null for never. */
function endOf(expiresAt: string | null | undefined, now: number): number | null {
  if (expiresAt === null) return null
  if (expiresAt === undefined) return now + DEFAULT_API_TOKEN_DAYS * DAY_MS
  const at = Date.parse(expiresAt)
  if (at > now && at <= LAST_MOMENT) return at
  throw validationError([{ path: 'expiresAt', message: 'must be in the future' }])
}

function tokenCreated(actor: Actor, owner: TokenOwner, token: ApiToken): JournalDraft {
  return {
    action: 'token.created',
    outcome: 'success',
    actor,
    resource: { kind: 'api_token', id: token.id },
    facts: { scopes: token.scopes, expiresAt: token.expiresAt },
    details: { token: token.name, ...(owner.userId !== actor.userId && { user: owner.username }) },
  }
}
