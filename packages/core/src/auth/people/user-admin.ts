import { requireRow } from '../../access/decide.js'
import type { Permission } from '../../access/permission-table.js'
import type { Clock } from '../../base/clock.js'
import type { Db } from '../../db/database.js'
import { findPerson, isInstanceAdmin, listPeople } from '../../db/repositories/user.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { UserId } from '../../model/ids.js'
import type { Page } from '../../model/page.js'
import type { CreateUserInput, UpdateUserInput, User, UserQuery } from '../../model/user.js'
import type { Caller, Gate } from '../gate/gate.js'
import { insertPerson, type NewPeople } from './new-person.js'
import { requireMayRaise } from './raised-rights.js'
import { changePerson, personChanged } from './user-changes.js'

export interface UserAdminDeps {
  readonly gate: Gate
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  readonly people: NewPeople
  readonly onUserChanged: (userId: UserId) => void
}

/** The people of the caller's organization, as its admins and auditors see them. */
export class UserAdmin {
  readonly #deps: UserAdminDeps

  constructor(deps: UserAdminDeps) {
    this.#deps = deps
  }

  /** People only, newest first. @throws KrownError FORBIDDEN, VALIDATION_FAILED */
  async list(actor: Actor, query: UserQuery = {}): Promise<Page<User>> {
    return this.#deps.gate.run(actor, { permission: 'user:list' }, () =>
      listPeople(this.#deps.db, actor.orgId, query),
    )
  }

  /** @throws KrownError NOT_FOUND for anybody else, unless the caller sees all of the organization. */
  async get(actor: Actor, id: UserId): Promise<User> {
    return this.#run(actor, { permission: 'user:read', id }, (caller) =>
      this.#require(caller, 'user:read', id),
    )
  }

  /**
   * @throws KrownError CONFLICT when the name is taken; FORBIDDEN, also for an admin by an API token;
   * VALIDATION_FAILED, UNAVAILABLE.
   */
  async create(actor: Actor, { role = 'readonly', ...input }: CreateUserInput): Promise<User> {
    return this.#deps.gate.run(actor, { permission: 'user:manage' }, async () => {
      requireMayRaise(actor, { role })
      const person = await this.#deps.people.prepare(input, actor.clientIp)
      return this.#deps.journal.transact(
        actor.orgId,
        (trx) => insertPerson(trx, actor.orgId, { person, role }),
        (user) => [userCreated(actor, user)],
      )
    })
  }

  /**
   * Takes effect at once in this process, within 5 s in others. Disabling ends the logins of the user.
   *
   * @throws KrownError CONFLICT when no admin, or none of the instance, would be left; FORBIDDEN, also for `auditScope`
   * unless by an instance admin, and when an API token would make an admin or auditor; NOT_FOUND, VALIDATION_FAILED.
   */
  async update(actor: Actor, id: UserId, input: UpdateUserInput): Promise<User> {
    return this.#run(actor, { permission: 'user:manage', id }, async (caller) => {
      await this.#require(caller, 'user:manage', id)
      if (input.auditScope !== undefined) await this.#requireInstanceAdmin(actor)
      const { journal, clock, onUserChanged } = this.#deps
      const { after } = await journal.transact(
        actor.orgId,
        (trx) => changePerson(trx, actor, { id, input, at: clock.now() }),
        (changed) => personChanged(actor, changed),
      )
      onUserChanged(id)
      return after
    })
  }

  #run<T>(
    actor: Actor,
    { permission, id }: { permission: Permission; id: UserId },
    work: (caller: Caller) => Promise<T>,
  ): Promise<T> {
    return this.#deps.gate.run(actor, { permission, resource: { kind: 'user', id } }, work)
  }

  async #require({ actor, subject }: Caller, wanted: Permission, id: UserId): Promise<User> {
    const user = await findPerson(this.#deps.db, actor.orgId, id)
    const row = user && { user, userId: user.id }
    return requireRow(subject, { wanted, visible: 'user:read', noun: 'user' }, row).user
  }

  async #requireInstanceAdmin(actor: Actor): Promise<void> {
    if (actor.kind === 'system') return
    if (await isInstanceAdmin(this.#deps.db, actor.orgId, actor.userId)) return
    throw new KrownError('FORBIDDEN', 'only an instance admin sets the audit scope')
  }
}

function userCreated(actor: Actor, user: User): JournalDraft {
  return {
    action: 'user.created',
    outcome: 'success',
    actor,
    resource: { kind: 'user', id: user.id },
    facts: { role: user.role, source: 'admin' },
    details: { user: user.username },
  }
}
