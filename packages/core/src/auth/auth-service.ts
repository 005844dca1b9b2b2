import { parseInput } from '../base/parse-input.js'
import type { Actor, BearerActor, CallOrigin } from '../model/actor.js'
import {
  type ChangePasswordInput,
  type LoginInput,
  type LoginResult,
  loginInputSchema,
  type RefreshInput,
} from '../model/login.js'
import { type RegisterInput, registerInputSchema, type User } from '../model/user.js'
import type { Authenticator } from './authenticator.js'
import type { Account } from './logins/account.js'
import type { LoginRefresh } from './logins/login-refresh.js'
import { toLoginResult } from './logins/logins.js'
import type { SignIn } from './logins/sign-in.js'
import type { Registration } from './people/registration.js'
import type { AccessTokens } from './tokens/access-token.js'

export interface AuthServiceDeps {
  readonly registration: Registration
  readonly signIn: SignIn
  readonly refresh: LoginRefresh
  readonly account: Account
  readonly tokens: AccessTokens
  readonly authenticator: Authenticator
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

  /** Who a bearer token stands for: an access token or an API token. @throws KrownError UNAUTHENTICATED. */
  async authenticate(token: string, origin: CallOrigin): Promise<BearerActor> {
    return this.#deps.authenticator.authenticate(token, origin)
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
