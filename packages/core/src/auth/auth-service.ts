import type { Actor, CallOrigin, LoginActor } from '../model/actor.js'
import {
  type ChangePasswordInput,
  type LoginInput,
  type LoginResult,
  loginInputSchema,
  type RefreshInput,
} from '../model/login.js'
import { type RegisterInput, registerInputSchema, type User } from '../model/user.js'
import type { AccessTokens } from './access-token.js'
import type { Account } from './account.js'
import type { LoginRefresh } from './login-refresh.js'
import { toLoginResult } from './logins.js'
import { parseInput } from './parse-input.js'
import type { Registration } from './registration.js'
import type { SignIn } from './sign-in.js'
import type { Subjects } from './subjects.js'

export interface AuthServiceDeps {
  readonly registration: Registration
  readonly signIn: SignIn
  readonly refresh: LoginRefresh
  readonly account: Account
  readonly tokens: AccessTokens
  readonly subjects: Subjects
}

/** Everything about being signed in, for every door. */
export class AuthService {
  readonly #deps: AuthServiceDeps

  constructor(deps: AuthServiceDeps) {
    this.#deps = deps
  }

  /**
   * Makes a user with role `readonly`; with the right setup token, and until set-up is done, the first admin.
   *
   * @throws KrownError CONFLICT, FORBIDDEN, VALIDATION_FAILED, RATE_LIMITED, UNAVAILABLE
   */
  async register(input: RegisterInput, origin: CallOrigin): Promise<User> {
    return this.#deps.registration.register(parseInput(registerInputSchema, input), origin)
  }

  /** @throws KrownError UNAUTHENTICATED, the same for every cause; RATE_LIMITED, UNAVAILABLE. */
  async login(input: LoginInput, origin: CallOrigin): Promise<LoginResult> {
    const signedIn = await this.#deps.signIn.signIn(parseInput(loginInputSchema, input), origin)
    return toLoginResult(this.#deps.tokens, signedIn)
  }

  /** @throws KrownError UNAUTHENTICATED; a token used twice ends its whole login. */
  async refresh(input: RefreshInput, origin: CallOrigin): Promise<LoginResult> {
    return this.#deps.refresh.refresh(String(input.refreshToken), origin)
  }

  /** Who an access token stands for. @throws KrownError UNAUTHENTICATED, the same for every cause. */
  async authenticate(accessToken: string, origin: CallOrigin): Promise<LoginActor> {
    const claims = await this.#deps.tokens.verify(accessToken)
    const { username } = await this.#deps.subjects.requireStanding(claims)
    const { clientIp, requestId, userAgent } = origin
    return { kind: 'login', ...claims, username, clientIp, requestId, userAgent }
  }

  /** The caller as a user. */
  async me(actor: Actor): Promise<User> {
    return this.#deps.account.me(actor)
  }

  /** Ends the login the actor came with: its tokens are dead at once here, within 5 s everywhere. */
  async logout(actor: Actor): Promise<void> {
    await this.#deps.account.logout(actor)
  }

  /** Ends every other login of the user. */
  async changePassword(actor: Actor, input: ChangePasswordInput): Promise<void> {
    await this.#deps.account.changePassword(actor, input)
  }
}
