import { Semaphore, SemaphoreFullError } from '../../base/semaphore.js'
import { KrownError, validationError } from '../../errors/krown-error.js'
import { addressKey } from '../limits/address-key.js'
import { ARGON2, type PasswordHasher } from './password-hasher.js'
import { findPasswordProblem } from './password-policy.js'

// Hashing shares libuv's thread pool with file writes: more at once would hold up recordings and the journal.
const AT_ONCE = 2
const MAX_WAITING = 50
const MAX_PER_ADDRESS = 10
const RETRY_AFTER_MS = 1_000

/** A hash of nothing, with the parameters of all others: checking against it takes as long. */
const DUMMY_HASH = `$argon2id$v=19$m=${ARGON2.memoryCost},t=${ARGON2.timeCost},p=${ARGON2.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`

const STORED_PARAMETERS = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$/

export interface NewPassword {
  readonly username: string
  readonly password: string
  /** How the caller calls the field; default `password`. */
  readonly field?: string
}

export interface PasswordAttempt {
  readonly password: string
  /** Null when there is none to compare with: takes as long all the same. */
  readonly hash: string | null
  readonly clientIp: string | null
  /** Called when the line has moved up to this attempt; what it throws ends the attempt. */
  readonly onTurn?: () => Promise<void>
}

/** Makes and checks password hashes, a bounded number at a time. */
export class Passwords {
  readonly #hasher: PasswordHasher
  readonly #minLength: number
  readonly #turns = new Semaphore(AT_ONCE, MAX_WAITING)
  readonly #inLine = new Map<string, number>()

  constructor(deps: { hasher: PasswordHasher; settings: { passwordMinLength: number } }) {
    this.#hasher = deps.hasher
    this.#minLength = deps.settings.passwordMinLength
  }

  /**
   * @param clientIp Whose share of the waiting line it takes; null is not counted.
   * @throws KrownError VALIDATION_FAILED when the password is not good enough; UNAVAILABLE or RATE_LIMITED when
   * too many wait.
   */
  async hashNew(
    { username, password, field = 'password' }: NewPassword,
    clientIp: string | null,
  ): Promise<string> {
    const message = findPasswordProblem(password, { minLength: this.#minLength, username })
    if (message) throw validationError([{ path: field, message }])
    return this.#inTurn(clientIp, () => this.#hasher.hash(password))
  }

  /** The hash of a password that is known to be right, with today's parameters. */
  async rehash(password: string, clientIp: string | null): Promise<string> {
    return this.#inTurn(clientIp, () => this.#hasher.hash(password))
  }

  /**
   * Always one whole computation, whoever the user is and whether there is one.
   *
   * @throws KrownError UNAVAILABLE or RATE_LIMITED when too many wait.
   */
  async verify(attempt: PasswordAttempt): Promise<boolean> {
    const { password, hash } = attempt
    return this.#inTurn(attempt.clientIp, async () => {
      await attempt.onTurn?.()
      const matches = await this.#hasher.verify(hash ?? DUMMY_HASH, password)
      return matches && hash !== null
    })
  }

  async #inTurn<T>(clientIp: string | null, work: () => Promise<T>): Promise<T> {
    const leaveLine = this.#enterLine(clientIp)
    try {
      const release = await this.#turns.acquire()
      try {
        return await work()
      } finally {
        release()
      }
    } catch (error) {
      throw error instanceof SemaphoreFullError ? tooBusy() : error
    } finally {
      leaveLine()
    }
  }

  #enterLine(clientIp: string | null): () => void {
    if (clientIp === null) return () => {}
    const key = addressKey(clientIp)
    const ahead = this.#inLine.get(key) ?? 0
    if (ahead >= MAX_PER_ADDRESS) {
      throw new KrownError('RATE_LIMITED', 'too many sign-ins at once from this address', {
        retryAfterMs: RETRY_AFTER_MS,
      })
    }
    this.#inLine.set(key, ahead + 1)
    return () => this.#leaveLine(key)
  }

  #leaveLine(key: string): void {
    const left = (this.#inLine.get(key) ?? 1) - 1
    if (left === 0) this.#inLine.delete(key)
    else this.#inLine.set(key, left)
  }
}

/** True for a hash that was made with lower parameters than today's. */
export function needsRehash(hash: string): boolean {
  const [, memoryCost, timeCost] = STORED_PARAMETERS.exec(hash) ?? []
  return Number(memoryCost ?? 0) < ARGON2.memoryCost || Number(timeCost ?? 0) < ARGON2.timeCost
}

function tooBusy(): KrownError {
  return new KrownError('UNAVAILABLE', 'too many sign-ins at once', { retryAfterMs: RETRY_AFTER_MS })
}
