import type { Clock } from '../../base/clock.js'
import { WindowCounter } from '../../base/window-counter.js'
import type { Actor } from '../../model/actor.js'
import { addressKey } from './address-key.js'
import { fullForMs, type LimitKey, type LimitStore, type LimitWindow, lockedForMs } from './limit-store.js'
import { CountedAttempt, type LoginAttempt, type LoginLimits, TOO_MANY_FAILURES } from './login-attempt.js'
import { requireNoWait } from './require-no-wait.js'

const SECOND_MS = 1_000

export interface RateLimitSettings {
  readonly loginFailuresPerAccount: number
  readonly loginFailuresPerAddress: number
  readonly registrationsPerAddress: number
  /** Milliseconds; of the three above. */
  readonly window: number
  /** A second. */
  readonly requestsPerActor: number
}

export interface RateLimitsDeps {
  readonly clock: Clock
  readonly store: LimitStore
  readonly settings: RateLimitSettings
}

/** What one account, address or actor may do in a while. */
export class RateLimits {
  readonly #store: LimitStore
  readonly #logins: LoginLimits
  readonly #registrations: LimitWindow
  /** Of this process alone: asked for each request. */
  readonly #requests: WindowCounter

  constructor({ clock, store, settings }: RateLimitsDeps) {
    const windowMs = settings.window
    this.#store = store
    this.#logins = {
      perAccount: { limit: settings.loginFailuresPerAccount, windowMs },
      perAddress: { limit: settings.loginFailuresPerAddress, windowMs },
    }
    this.#registrations = { limit: settings.registrationsPerAddress, windowMs }
    this.#requests = new WindowCounter({ clock, limit: settings.requestsPerActor, windowMs: SECOND_MS })
  }

  /**
   * Accounts are counted apart as they are used from where they signed in before: strangers elsewhere cannot lock
   * these.
   *
   * @param username Folded, whether or not a user has it.
   * @throws KrownError RATE_LIMITED after too many failed logins of the account or from the address; UNAVAILABLE.
   */
  async loginAttempt(username: string, clientIp: string | null): Promise<LoginAttempt> {
    const account: LimitKey = { kind: 'login_account', name: username }
    if (clientIp === null) {
      const [failures] = await this.#store.read([account])
      requireNoWait(lockedForMs(failures, this.#logins.perAccount), TOO_MANY_FAILURES)
      return new CountedAttempt(this.#store, this.#logins, { account, from: undefined })
    }
    return this.#attemptFrom(addressKey(clientIp), username)
  }

  /** @throws KrownError RATE_LIMITED, UNAVAILABLE */
  async countRegistration(clientIp: string | null): Promise<void> {
    if (clientIp === null) return
    const key: LimitKey = { kind: 'registration', name: addressKey(clientIp) }
    const waitMs = await this.#store.count(key, this.#registrations)
    requireNoWait(waitMs, 'too many registrations from this address')
  }

  /** For transports: counts one request of a signed-in caller. @throws KrownError RATE_LIMITED */
  countRequest({ userId }: Pick<Actor, 'userId'>): void {
    requireNoWait(this.#requests.waitMs(userId), 'too many requests')
    this.#requests.add(userId)
  }

  async #attemptFrom(place: string, username: string): Promise<LoginAttempt> {
    const known: LimitKey = { kind: 'known_address', name: `${place} ${username}` }
    const address: LimitKey = { kind: 'login_address', name: place }
    const anywhere: LimitKey = { kind: 'login_account', name: username }
    const fromKnown: LimitKey = { kind: 'login_account_from_known', name: `${place} ${username}` }
    const [isKnown, ofAddress, ofAnywhere, ofKnown] = await this.#store.read([
      known,
      address,
      anywhere,
      fromKnown,
    ])
    const { perAccount, perAddress } = this.#logins
    const locked = lockedForMs(isKnown ? ofKnown : ofAnywhere, perAccount)
    requireNoWait(Math.max(locked, fullForMs(ofAddress, perAddress)), TOO_MANY_FAILURES)
    const account = isKnown ? fromKnown : anywhere
    return new CountedAttempt(this.#store, this.#logins, { account, from: { address, known } })
  }
}
