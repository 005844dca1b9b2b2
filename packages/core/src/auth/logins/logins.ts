import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Trx } from '../../db/database.js'
import { insertLogin, revokeLogin } from '../../db/repositories/login.repository.js'
import type { Journal } from '../../journal/journal.js'
import type { CallOrigin, LoginActor } from '../../model/actor.js'
import type { LoginId, OrgId, UserId } from '../../model/ids.js'
import type { LoginResult } from '../../model/login.js'
import type { User } from '../../model/user.js'
import type { AccessTokens } from '../tokens/access-token.js'
import {
  formatRefreshToken,
  hashRefreshToken,
  type RefreshToken,
  startChain,
} from '../tokens/refresh-token.js'
import { loginEnded } from './own-logins.js'

const MAX_USER_AGENT = 256

export interface LoginSettings {
  /** Milliseconds from the login to its end, however much it is used. */
  readonly refreshTokenTtl: number
  /** Milliseconds without a refresh after which it ends. */
  readonly refreshIdleTtl: number
}

export interface LoginsDeps {
  readonly journal: Journal
  readonly clock: Clock
  readonly newId: NewId
  readonly settings: LoginSettings
  readonly onUserChanged: (userId: UserId) => void
}

/** A login with the token for its first refresh. */
export interface StartedLogin {
  readonly id: LoginId
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly refreshToken: RefreshToken
}

/** Begins and ends what one place is signed in with. */
export class Logins {
  readonly #deps: LoginsDeps

  constructor(deps: LoginsDeps) {
    this.#deps = deps
  }

  /** Adds the row of a new login; the caller journals it. */
  async start(trx: Trx, orgId: OrgId, login: { userId: UserId; origin: CallOrigin }): Promise<StartedLogin> {
    const { clock, newId, settings } = this.#deps
    const id = newId<LoginId>()
    const { token, chainKey } = startChain(id)
    const now = clock.now()
    const expiresAt = now + settings.refreshTokenTtl
    await insertLogin(trx, orgId, {
      id,
      userId: login.userId,
      tokenHash: hashRefreshToken(token),
      chainKey,
      rotatedAt: now,
      idleExpiresAt: Math.min(now + settings.refreshIdleTtl, expiresAt),
      expiresAt,
      clientIp: login.origin.clientIp,
      userAgent: login.origin.userAgent?.slice(0, MAX_USER_AGENT) ?? null,
    })
    return { id, startedAt: now, refreshToken: token }
  }

  /** Ends the login that the actor came with; its tokens die with it. */
  async end(actor: LoginActor): Promise<void> {
    const { journal, clock, onUserChanged } = this.#deps
    await journal.transact(
      actor.orgId,
      (trx) => revokeLogin(trx, actor.orgId, { id: actor.loginId, at: clock.now() }),
      (ended) => (ended ? [loginEnded(actor, actor.loginId)] : []),
    )
    onUserChanged(actor.userId)
  }
}

/** The answer to a login or refresh. */
export async function toLoginResult(
  tokens: AccessTokens,
  login: { user: User; tokenVersion: number; refreshToken: RefreshToken },
): Promise<LoginResult> {
  const { user, tokenVersion, refreshToken } = login
  const { loginId } = refreshToken
  return {
    accessToken: await tokens.issue({ userId: user.id, orgId: user.orgId, loginId, tokenVersion }),
    tokenType: 'Bearer',
    expiresIn: tokens.lifeS,
    refreshToken: formatRefreshToken(refreshToken),
    user,
  }
}
