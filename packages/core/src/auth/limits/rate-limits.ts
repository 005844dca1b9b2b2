import type { Clock } from '../../base/clock.js'
import { WindowCounter } from '../../base/window-counter.js'
import { KrownError } from '../../errors/krown-error.js'
import type { Actor } from '../../model/actor.js'
import { AccountLocks } from './account-locks.js'
import { addressKey } from './address-key.js'
import { KnownAddresses } from './known-addresses.js'

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

/**
 * A login under way. Once begun it counts as failed until it says otherwise, so that attempts made at once
 * cannot slip through together.
 */
export interface LoginAttempt {
  /** @throws KrownError RATE_LIMITED after too many failed logins of the account or from the address. */
  requireAllowed(): void
  /** Asks again, and counts it. @throws KrownError RATE_LIMITED */
  begin(): void
  /** If it fails, the account is locked for so long; 0 when it is not. */
  readonly locksForMs: number
  /** The password was right: the account's failures are forgotten. */
  succeeded(): void
  /** It was neither right nor wrong: something else went wrong. */
  undone(): void
}

/** What one account, address or actor may do in a while; each process counts for itself. */
export class RateLimits {
  readonly #accounts: AccountLocks
  /** Of accounts as they are used from where they signed in before: strangers elsewhere cannot lock these. */
  readonly #accountsFromKnown: AccountLocks
  readonly #known = new KnownAddresses()
  readonly #failures: WindowCounter
  readonly #registrations: WindowCounter
  readonly #requests: WindowCounter

  constructor({ clock, settings }: { clock: Clock; settings: RateLimitSettings }) {
    const windowMs = settings.window
    const perAccount = { clock, limit: settings.loginFailuresPerAccount, windowMs }
    this.#accounts = new AccountLocks(perAccount)
    this.#accountsFromKnown = new AccountLocks(perAccount)
    this.#failures = new WindowCounter({ clock, limit: settings.loginFailuresPerAddress, windowMs })
    this.#registrations = new WindowCounter({ clock, limit: settings.registrationsPerAddress, windowMs })
    this.#requests = new WindowCounter({ clock, limit: settings.requestsPerActor, windowMs: SECOND_MS })
  }

  /** @param username Folded, whether or not a user has it. */
  loginAttempt(username: string, clientIp: string | null): LoginAttempt {
    const address = clientIp === null ? undefined : addressKey(clientIp)
    const isKnown = address !== undefined && this.#known.has(username, address)
    return new CountedAttempt(
      {
        accounts: isKnown ? this.#accountsFromKnown : this.#accounts,
        addresses: this.#failures,
        known: this.#known,
      },
      { username, address, account: isKnown ? `${address} ${username}` : username },
    )
  }

  /** @throws KrownError RATE_LIMITED */
  countRegistration(clientIp: string | null): void {
    if (clientIp === null) return
    const key = addressKey(clientIp)
    requireNoWait(this.#registrations.waitMs(key), 'too many registrations from this address')
    this.#registrations.add(key)
  }

  /** For transports: counts one request of a signed-in caller. @throws KrownError RATE_LIMITED */
  countRequest({ userId }: Pick<Actor, 'userId'>): void {
    requireNoWait(this.#requests.waitMs(userId), 'too many requests')
    this.#requests.add(userId)
  }
}

interface Counters {
  readonly accounts: AccountLocks
  readonly addresses: WindowCounter
  readonly known: KnownAddresses
}

interface Who {
  readonly username: string
  readonly address: string | undefined
  /** What its failures are counted under. */
  readonly account: string
}

class CountedAttempt implements LoginAttempt {
  readonly #counters: Counters
  readonly #who: Who
  #begun = false
  #locksForMs = 0

  constructor(counters: Counters, who: Who) {
    this.#counters = counters
    this.#who = who
  }

  get locksForMs(): number {
    return this.#locksForMs
  }

  requireAllowed(): void {
    const { account, address } = this.#who
    const ofAddress = address === undefined ? 0 : this.#counters.addresses.waitMs(address)
    requireNoWait(Math.max(this.#counters.accounts.waitMs(account), ofAddress), 'too many failed logins')
  }

  begin(): void {
    this.requireAllowed()
    const { account, address } = this.#who
    this.#begun = true
    this.#locksForMs = this.#counters.accounts.add(account)
    if (address !== undefined) this.#counters.addresses.add(address)
  }

  succeeded(): void {
    if (!this.#begun) return
    const { username, address, account } = this.#who
    this.#counters.accounts.forget(account)
    if (address !== undefined) this.#counters.known.add(username, address)
    this.#takeBackAddress()
  }

  undone(): void {
    if (!this.#begun) return
    this.#counters.accounts.takeBack(this.#who.account)
    this.#takeBackAddress()
  }

  #takeBackAddress(): void {
    const { address } = this.#who
    if (address !== undefined) this.#counters.addresses.takeBack(address)
  }
}

function requireNoWait(waitMs: number, what: string): void {
  if (waitMs <= 0) return
  throw new KrownError('RATE_LIMITED', `${what}: try again later`, { retryAfterMs: Math.ceil(waitMs) })
}
