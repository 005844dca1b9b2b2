import type { LimitKey, LimitStore, LimitWindow } from './limit-store.js'
import { requireNoWait } from './require-no-wait.js'

/** Longer than a login lasts; whoever comes back later is a stranger again. */
const KNOWN_FOR_MS = 90 * 24 * 60 * 60_000

/**
 * A login under way. Once begun it counts as failed until it says otherwise, so that attempts made at once
 * cannot slip through together. @throws KrownError UNAVAILABLE, from everything.
 */
export interface LoginAttempt {
  /** Counts it. @throws KrownError RATE_LIMITED when others were counted meanwhile. */
  begin(): Promise<void>
  /** If it fails, the account is locked for so long; 0 when it is not. */
  readonly locksForMs: number
  /** The password was right: the account's failures are forgotten. */
  succeeded(): Promise<void>
  /** It was neither right nor wrong: something else went wrong. */
  undone(): Promise<void>
}

export interface LoginLimits {
  readonly perAccount: LimitWindow
  readonly perAddress: LimitWindow
}

/** What a login is counted under. */
export interface LoginKeys {
  readonly account: LimitKey
  /** Undefined when the address is not known, and nothing is counted for it. */
  readonly from: { readonly address: LimitKey; readonly known: LimitKey } | undefined
}

export const TOO_MANY_FAILURES = 'too many failed logins'

export class CountedAttempt implements LoginAttempt {
  readonly #store: LimitStore
  readonly #limits: LoginLimits
  readonly #keys: LoginKeys
  #accountCounted = false
  #addressCounted = false
  #locksForMs = 0

  constructor(store: LimitStore, limits: LoginLimits, keys: LoginKeys) {
    this.#store = store
    this.#limits = limits
    this.#keys = keys
  }

  get locksForMs(): number {
    return this.#locksForMs
  }

  async begin(): Promise<void> {
    const { account, from } = this.#keys
    const failure = await this.#store.countFailure(account, this.#limits.perAccount)
    if (!failure.counted) return requireNoWait(failure.waitMs, TOO_MANY_FAILURES)
    this.#accountCounted = true
    this.#locksForMs = failure.locksForMs
    if (from) await this.#countAddress(from.address)
  }

  async succeeded(): Promise<void> {
    const { account, from } = this.#keys
    if (!this.#accountCounted) return
    await this.#store.forget(account)
    this.#accountCounted = false
    if (from) await this.#store.remember(from.known, KNOWN_FOR_MS)
    await this.#takeBackAddress()
  }

  async undone(): Promise<void> {
    if (this.#accountCounted) await this.#store.takeBackFailure(this.#keys.account, this.#limits.perAccount)
    this.#accountCounted = false
    await this.#takeBackAddress()
  }

  async #countAddress(address: LimitKey): Promise<void> {
    const waitMs = await this.#store.count(address, this.#limits.perAddress)
    if (waitMs === 0) this.#addressCounted = true
    else await this.undone()
    requireNoWait(waitMs, TOO_MANY_FAILURES)
  }

  async #takeBackAddress(): Promise<void> {
    const { from } = this.#keys
    if (from && this.#addressCounted) await this.#store.takeBack(from.address)
    this.#addressCounted = false
  }
}
