import type { Clock } from '../../base/clock.js'
import type { Db, Trx } from '../../db/database.js'
import { revokeLoginsOfUserAcrossOrgs } from '../../db/repositories/login.repository.js'
import { findPasswordHash, updateUser } from '../../db/repositories/user.repository.js'
import { KrownError, validationError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor, LoginActor } from '../../model/actor.js'
import type { UserId } from '../../model/ids.js'
import type { ChangePasswordInput } from '../../model/login.js'
import type { RateLimits } from '../limits/rate-limits.js'
import type { Passwords } from './passwords.js'

export interface PasswordChangeDeps {
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  readonly passwords: Passwords
  readonly limits: RateLimits
  readonly onUserChanged: (userId: UserId) => void
}

/** A person changes the own password. */
export class PasswordChange {
  readonly #deps: PasswordChangeDeps

  constructor(deps: PasswordChangeDeps) {
    this.#deps = deps
  }

  /**
   * Ends every other login of the user; the one the actor came with goes on.
   *
   * @throws KrownError FORBIDDEN for a user without a password; VALIDATION_FAILED when the current one is not
   * right or the new one not good enough; RATE_LIMITED after too many wrong ones, as for logins.
   */
  async change(actor: Actor, input: ChangePasswordInput): Promise<void> {
    const { db, journal, passwords, onUserChanged } = this.#deps
    const currentHash = await findPasswordHash(db, actor.orgId, actor.userId)
    if (actor.kind !== 'login' || currentHash === null) {
      throw new KrownError('FORBIDDEN', 'this user has no password here')
    }
    await this.#requireCurrent(actor, input.currentPassword, currentHash)
    const next = { username: actor.username, password: input.newPassword, field: 'newPassword' }
    const newHash = await passwords.hashNew(next, actor.clientIp)
    const ended = await journal.transact(
      actor.orgId,
      (trx) => this.#store(trx, actor, { currentHash, newHash }),
      (endedLogins) => [passwordChange(actor, 'success', { endedLogins })],
    )
    if (ended > 0) onUserChanged(actor.userId)
  }

  async #requireCurrent(actor: LoginActor, password: string, hash: string): Promise<void> {
    const attempt = await this.#deps.limits.loginAttempt(actor.username, actor.clientIp)
    const { clientIp } = actor
    const onTurn = () => attempt.begin()
    const matches = await this.#deps.passwords.verify({ password, hash, clientIp, onTurn })
    if (matches) return attempt.succeeded()
    await this.#deps.journal.append(actor.orgId, [passwordChange(actor, 'denied', {})])
    throw notRight()
  }

  /** @returns How many other logins it ended. */
  async #store(
    trx: Trx,
    actor: LoginActor,
    { currentHash, newHash }: { currentHash: string; newHash: string },
  ): Promise<number> {
    const { userId, orgId, loginId } = actor
    const set = { password_hash: newHash }
    if (!(await updateUser(trx, orgId, { userId, set, ifPasswordHash: currentHash }))) throw notRight()
    const at = this.#deps.clock.now()
    return revokeLoginsOfUserAcrossOrgs(trx, { userId, at, except: loginId })
  }
}

function notRight(): KrownError {
  return validationError([{ path: 'currentPassword', message: 'is not right' }])
}

function passwordChange(
  actor: LoginActor,
  outcome: 'success' | 'denied',
  facts: { endedLogins?: number },
): JournalDraft {
  const resource = { kind: 'user', id: actor.userId }
  return { action: 'user.password_changed', outcome, actor, resource, facts }
}
