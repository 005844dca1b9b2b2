import type { ApiTokenActor, BearerActor, CallOrigin, LoginActor } from '../model/actor.js'
import type { Subjects } from './gate/subjects.js'
import type { AccessTokens } from './tokens/access-token.js'
import { apiTokenFormat } from './tokens/api-token-format.js'
import type { ApiTokenLookup } from './tokens/api-token-lookup.js'
import { isTokenSecret } from './tokens/secret-token.js'
import { unauthenticated } from './unauthenticated.js'

export interface AuthenticatorDeps {
  readonly accessTokens: AccessTokens
  readonly apiTokens: ApiTokenLookup
  readonly subjects: Subjects
}

/** Tells who a bearer token stands for, whichever kind it is. */
export class Authenticator {
  readonly #deps: AuthenticatorDeps

  constructor(deps: AuthenticatorDeps) {
    this.#deps = deps
  }

  /** @throws KrownError UNAUTHENTICATED, the same for every cause. */
  async authenticate(token: string, origin: CallOrigin): Promise<BearerActor> {
    return token.startsWith(apiTokenFormat.prefix)
      ? this.#program(token, origin)
      : this.#person(token, origin)
  }

  async #person(token: string, { clientIp, requestId, userAgent }: CallOrigin): Promise<LoginActor> {
    const claims = await this.#deps.accessTokens.verify(token)
    const { username } = await this.#deps.subjects.requireStanding(claims)
    return { kind: 'login', ...claims, username, clientIp, requestId, userAgent }
  }

  async #program(text: string, { clientIp, requestId, userAgent }: CallOrigin): Promise<ApiTokenActor> {
    const { apiTokens, subjects } = this.#deps
    const presented = apiTokenFormat.parse(text)
    if (!presented) throw unauthenticated()
    const token = await apiTokens.requireLive(presented.id)
    if (!isTokenSecret(presented.secret, token.secretHash)) throw unauthenticated()
    const { id: tokenId, userId, orgId, expiresAt } = token
    const { username } = await subjects.requireStanding({ userId, orgId })
    await apiTokens.noteUse(token)
    return { kind: 'api_token', tokenId, userId, orgId, username, expiresAt, clientIp, requestId, userAgent }
  }
}
