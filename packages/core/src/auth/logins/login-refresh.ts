import type { Clock } from '../../base/clock.js'
import type { Db, Trx } from '../../db/database.js'
import {
  findLogin,
  findLoginAcrossOrgs,
  type LoginFamily,
  revokeLogin,
  rotateLogin,
} from '../../db/repositories/login.repository.js'
import { findStanding } from '../../db/repositories/membership.repository.js'
import { findMember } from '../../db/repositories/user.repository.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { CallOrigin } from '../../model/actor.js'
import type { UserId } from '../../model/ids.js'
import type { LoginResult } from '../../model/login.js'
import type { User } from '../../model/user.js'
import type { RateLimits } from '../limits/rate-limits.js'
import type { AccessTokens } from '../tokens/access-token.js'
import {
  hashRefreshToken,
  isOfChain,
  nextInChain,
  parseRefreshToken,
  type RefreshToken,
} from '../tokens/refresh-token.js'
import { unauthenticated } from '../unauthenticated.js'
import { type LoginSettings, toLoginResult } from './logins.js'

/** So long a retry with the token before gets the same answer, since the first may have been lost. */
const GRACE_MS = 10_000

export interface LoginRefreshDeps {
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  readonly tokens: AccessTokens
  readonly limits: Pick<RateLimits, 'countRequest'>
  readonly settings: Pick<LoginSettings, 'refreshIdleTtl'>
  readonly onUserChanged: (userId: UserId) => void
}

interface Presented {
  readonly token: RefreshToken
  readonly family: LoginFamily
  readonly origin: CallOrigin
}

type Outcome =
  | { readonly kind: 'refreshed'; readonly user: User; readonly tokenVersion: number }
  | { readonly kind: 'reused'; readonly user: User }
  | { readonly kind: 'ended' }

const ENDED: Outcome = { kind: 'ended' }

/** Exchanges a refresh token for its successor and a new access token. */
export class LoginRefresh {
  readonly #deps: LoginRefreshDeps

  constructor(deps: LoginRefreshDeps) {
    this.#deps = deps
  }

  /** @throws KrownError RATE_LIMITED, UNAUTHENTICATED; a token that had its successor for more than 10 s ends the login. */
  async refresh(refreshToken: string, origin: CallOrigin): Promise<LoginResult> {
    const { journal, tokens, limits, onUserChanged } = this.#deps
    const presented = await this.#find(refreshToken, origin)
    const { token, family } = presented
    limits.countRequest(family)
    const outcome = await journal.transact(
      family.orgId,
      (trx) => this.#exchange(trx, presented),
      (result) => (result.kind === 'reused' ? [refreshReused(presented, result.user)] : []),
    )
    if (outcome.kind === 'reused') onUserChanged(family.userId)
    if (outcome.kind !== 'refreshed') throw unauthenticated()
    return toLoginResult(tokens, { ...outcome, refreshToken: nextInChain(token, family.chainKey) })
  }

  async #find(refreshToken: string, origin: CallOrigin): Promise<Presented> {
    const token = parseRefreshToken(refreshToken)
    const family = token && (await findLoginAcrossOrgs(this.#deps.db, token.loginId))
    if (!family || !isOfChain(token, family.chainKey)) throw unauthenticated()
    return { token, family, origin }
  }

  // One at a time: the journal's lock orders refreshes of the same login, so the second sees what the first did.
  async #exchange(trx: Trx, { token, family: { id, orgId, userId } }: Presented): Promise<Outcome> {
    const family = await findLogin(trx, orgId, id)
    const standing = await findStanding(trx, orgId, { userId, loginId: id })
    const user = await findMember(trx, orgId, userId)
    if (!family || !user || !standing?.login || standing.disabled) return ENDED
    const now = this.#deps.clock.now()
    if (standing.login.revoked || standing.login.endsAt <= now) return ENDED
    const hash = hashRefreshToken(token)
    if (hash === family.tokenHash) await this.#rotate(trx, family, token)
    else if (hash !== family.previousTokenHash || now - family.rotatedAt > GRACE_MS) {
      await revokeLogin(trx, orgId, { id, at: now })
      return { kind: 'reused', user }
    }
    return { kind: 'refreshed', user, tokenVersion: standing.tokenVersion }
  }

  async #rotate(trx: Trx, family: LoginFamily, token: RefreshToken): Promise<void> {
    const { clock, settings } = this.#deps
    const at = clock.now()
    await rotateLogin(trx, family.orgId, {
      id: family.id,
      from: family.tokenHash,
      to: hashRefreshToken(nextInChain(token, family.chainKey)),
      at,
      idleExpiresAt: Math.min(at + settings.refreshIdleTtl, family.expiresAt),
    })
  }
}

function refreshReused({ family, origin }: Presented, user: User): JournalDraft {
  return {
    action: 'login.refresh_reused',
    outcome: 'denied',
    actor: {
      kind: 'login',
      userId: family.userId,
      username: user.username,
      loginId: family.id,
      clientIp: origin.clientIp,
      requestId: origin.requestId,
    },
    resource: { kind: 'login', id: family.id },
  }
}
