import type { Db } from '../../db/database.js'
import { findMember } from '../../db/repositories/user.repository.js'
import { notFound } from '../../errors/krown-error.js'
import type { Actor } from '../../model/actor.js'
import type { ChangePasswordInput } from '../../model/login.js'
import type { User } from '../../model/user.js'
import type { Gate } from '../gate/gate.js'
import type { PasswordChange } from '../passwords/password-change.js'
import type { Logins } from './logins.js'

export interface AccountDeps {
  readonly gate: Gate
  readonly db: Db
  readonly logins: Logins
  readonly passwordChange: PasswordChange
}

/** What every caller may do about itself. */
export class Account {
  readonly #deps: AccountDeps

  constructor(deps: AccountDeps) {
    this.#deps = deps
  }

  async me(actor: Actor): Promise<User> {
    return this.#deps.gate.run(actor, { permission: 'self:read' }, async () => {
      const user = await findMember(this.#deps.db, actor.orgId, actor.userId)
      if (!user) throw notFound('user')
      return user
    })
  }

  /** Ends the login the actor came with; an actor that came without one has nothing to end. */
  async logout(actor: Actor): Promise<void> {
    await this.#deps.gate.run(actor, { permission: 'self:manage' }, async () => {
      if (actor.kind === 'login') await this.#deps.logins.end(actor)
    })
  }

  /** @throws KrownError FORBIDDEN, VALIDATION_FAILED, RATE_LIMITED, UNAVAILABLE */
  async changePassword(actor: Actor, input: ChangePasswordInput): Promise<void> {
    await this.#deps.gate.run(actor, { permission: 'self:manage' }, () =>
      this.#deps.passwordChange.change(actor, input),
    )
  }
}
