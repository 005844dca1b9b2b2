import type { Clock } from '../../base/clock.js'

const MAX_NAMES = 50_000
const FIRST_LOCK_MS = 1_000

interface Account {
  failures: number
  lockedUntil: number
  /** Quiet until then, and its failures are forgotten. */
  forgetAt: number
}

/**
 * Counts failed logins by the name that was given, whether or not a user has it. From the limit on each failure
 * locks the name for twice as long as the one before, from a second up to a whole window, so that nobody is
 * locked out for ever; an attempt while locked adds nothing.
 */
export class AccountLocks {
  readonly #clock: Clock
  readonly #limit: number
  readonly #windowMs: number
  readonly #accounts = new Map<string, Account>()

  constructor(options: { clock: Clock; limit: number; windowMs: number }) {
    this.#clock = options.clock
    this.#limit = options.limit
    this.#windowMs = options.windowMs
  }

  /** Milliseconds until the name may be tried again; 0 when it may now. */
  waitMs(name: string): number {
    return Math.max(0, (this.#known(name)?.lockedUntil ?? 0) - this.#clock.monotonic())
  }

  /** Counts a failure. @returns For how long that locks the name, milliseconds; 0 when it does not. */
  add(name: string): number {
    const now = this.#clock.monotonic()
    const account = this.#known(name) ?? { failures: 0, lockedUntil: 0, forgetAt: now + this.#windowMs }
    account.failures += 1
    const lockMs = this.#lockMs(account.failures)
    if (lockMs > 0) {
      account.lockedUntil = now + lockMs
      account.forgetAt = account.lockedUntil + this.#windowMs
    }
    this.#remember(name, account)
    return lockMs
  }

  takeBack(name: string): void {
    const account = this.#known(name)
    if (!account) return
    account.failures -= 1
    account.lockedUntil = 0
  }

  forget(name: string): void {
    this.#accounts.delete(name)
  }

  #lockMs(failures: number): number {
    if (failures < this.#limit) return 0
    return Math.min(FIRST_LOCK_MS * 2 ** (failures - this.#limit), this.#windowMs)
  }

  #known(name: string): Account | undefined {
    const account = this.#accounts.get(name)
    return account && account.forgetAt > this.#clock.monotonic() ? account : undefined
  }

  // Least recently failed first: what is dropped when there are too many is what nobody is attacking.
  #remember(name: string, account: Account): void {
    this.#accounts.delete(name)
    for (const [oldName, { forgetAt }] of this.#accounts) {
      if (forgetAt > this.#clock.monotonic() && this.#accounts.size < MAX_NAMES) break
      this.#accounts.delete(oldName)
    }
    this.#accounts.set(name, account)
  }
}
