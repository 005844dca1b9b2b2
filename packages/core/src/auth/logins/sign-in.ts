import type { Db, Trx } from '../../db/database.js'
import {
  findMember,
  findSignInCandidateAcrossOrgs,
  type SignInCandidate,
  updateUser,
} from '../../db/repositories/user.repository.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { CallOrigin } from '../../model/actor.js'
import type { LoginInput } from '../../model/login.js'
import { type User, usernameSchema } from '../../model/user.js'
import type { LoginAttempt } from '../limits/login-attempt.js'
import type { RateLimits } from '../limits/rate-limits.js'
import { needsRehash, type Passwords } from '../passwords/passwords.js'
import { foldUsername } from '../people/new-person.js'
import { wrongCredentials } from '../unauthenticated.js'
import type { FailedLoginLog, FailedLoginReason } from './failed-login-log.js'
import type { Logins, StartedLogin } from './logins.js'

export interface SignInDeps {
  readonly db: Db
  readonly journal: Journal
  readonly passwords: Passwords
  readonly limits: RateLimits
  readonly logins: Logins
  readonly failures: FailedLoginLog
}

export interface SignedIn {
  readonly user: User
  readonly tokenVersion: number
  readonly refreshToken: StartedLogin['refreshToken']
}

/** A candidate whose password was right. */
interface Proven extends SignInCandidate {
  readonly passwordHash: string
}

/**
 * Login by user name and password. Until the password was right, every name takes the same way: the limits, one
 * look-up, one hash computation, one entry.
 */
export class SignIn {
  readonly #deps: SignInDeps

  constructor(deps: SignInDeps) {
    this.#deps = deps
  }

  /** @throws KrownError UNAUTHENTICATED, the same for every cause; RATE_LIMITED, UNAVAILABLE. */
  async signIn(input: LoginInput, origin: CallOrigin): Promise<SignedIn> {
    const attempt = await this.#deps.limits.loginAttempt(foldUsername(input.username), origin.clientIp)
    const signedIn = await this.#try(input, { attempt, origin }).catch(async (error: unknown) => {
      // Where it cannot be taken back it stays counted; the caller hears of the first error.
      await attempt.undone().catch(() => {})
      throw error
    })
    if (!signedIn) throw wrongCredentials()
    // The login is committed: a failure here may only leave the attempt counted, not the login with nobody.
    await attempt.succeeded().catch(() => {})
    return signedIn
  }

  async #try(
    { username, password }: LoginInput,
    { attempt, origin }: { attempt: LoginAttempt; origin: CallOrigin },
  ): Promise<SignedIn | undefined> {
    const candidate = await this.#find(username)
    const matches = await this.#deps.passwords.verify({
      password,
      hash: candidate?.passwordHash ?? null,
      clientIp: origin.clientIp,
      onTurn: () => attempt.begin(),
    })
    if (isProven(candidate, matches)) return this.#start(candidate, password, origin)
    const { locksForMs } = attempt
    await this.#deps.failures.record({ candidate, reason: reasonOf(candidate), locksForMs, origin })
    return undefined
  }

  // A name that nobody can have is looked up as the empty one: same time, and PostgreSQL takes no NUL.
  #find(username: string): Promise<SignInCandidate | undefined> {
    const name = usernameSchema.safeParse(username).success ? foldUsername(username) : ''
    return findSignInCandidateAcrossOrgs(this.#deps.db, name)
  }

  async #start(candidate: Proven, password: string, origin: CallOrigin): Promise<SignedIn> {
    const newHash = needsRehash(candidate.passwordHash)
      ? await this.#deps.passwords.rehash(password, origin.clientIp)
      : candidate.passwordHash
    const { user, login } = await this.#deps.journal.transact(
      candidate.orgId,
      (trx) => this.#insertLogin(trx, { candidate, newHash, origin }),
      (result) => [loginSucceeded(result.user, result.login, origin)],
    )
    return { user, tokenVersion: candidate.tokenVersion, refreshToken: login.refreshToken }
  }

  async #insertLogin(
    trx: Trx,
    { candidate, newHash, origin }: { candidate: Proven; newHash: string; origin: CallOrigin },
  ): Promise<{ user: User; login: StartedLogin }> {
    const { userId, orgId, passwordHash } = candidate
    const login = await this.#deps.logins.start(trx, orgId, { userId, origin })
    const unchanged = await updateUser(trx, orgId, {
      userId,
      set: { last_login_at: login.startedAt, password_hash: newHash },
      ifPasswordHash: passwordHash,
    })
    const user = await findMember(trx, orgId, userId)
    // Disabled, or the password changed, since it was looked up.
    if (!unchanged || !user || user.disabled) throw wrongCredentials()
    return { user, login }
  }
}

function isProven(candidate: SignInCandidate | undefined, matches: boolean): candidate is Proven {
  return matches && candidate !== undefined && candidate.passwordHash !== null && !candidate.disabled
}

function reasonOf(candidate: SignInCandidate | undefined): FailedLoginReason {
  if (!candidate) return 'unknown_user'
  return candidate.disabled ? 'disabled' : 'wrong_password'
}

function loginSucceeded(user: User, login: StartedLogin, origin: CallOrigin): JournalDraft {
  return {
    action: 'login.succeeded',
    outcome: 'success',
    actor: {
      kind: 'login',
      userId: user.id,
      username: user.username,
      loginId: login.id,
      clientIp: origin.clientIp,
      requestId: origin.requestId,
    },
    resource: { kind: 'login', id: login.id },
  }
}
