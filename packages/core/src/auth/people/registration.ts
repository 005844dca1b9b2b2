import type { Db } from '../../db/database.js'
import { isSetUp } from '../../db/repositories/instance.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { CallOrigin } from '../../model/actor.js'
import type { InviteId } from '../../model/ids.js'
import type { RegisterInput, User } from '../../model/user.js'
import type { InviteDesk } from '../invites/invite-desk.js'
import type { RateLimits } from '../limits/rate-limits.js'
import { type HomeOrg, onBehalfOf } from './default-org.js'
import { insertPerson, type NewPeople } from './new-person.js'
import { createFirstAdmin, isSetupToken, setUpIsDone } from './setup.js'

export interface RegistrationSettings {
  readonly registration: 'open' | 'invite' | 'closed'
  /** Null when there is none: then nobody becomes admin by registering. */
  readonly setupToken: string | null
}

export interface RegistrationDeps {
  readonly db: Db
  readonly journal: Journal
  readonly people: NewPeople
  readonly limits: RateLimits
  readonly invites: InviteDesk
  readonly home: HomeOrg
  readonly settings: RegistrationSettings
}

/** People who make their own account. */
export class Registration {
  readonly #deps: RegistrationDeps

  constructor(deps: RegistrationDeps) {
    this.#deps = deps
  }

  /**
   * Makes a user with role `readonly`, or with an invite what that says; with the right setup token, and as long as
   * set-up is not done, the first admin.
   *
   * @throws KrownError CONFLICT when the name is taken, or a setup token comes when set-up is done; FORBIDDEN when
   * registration is closed, or needs an invite, or the invite or the setup token is not good; VALIDATION_FAILED, RATE_LIMITED, UNAVAILABLE.
   */
  async register(input: RegisterInput, origin: CallOrigin): Promise<User> {
    return input.setupToken === undefined
      ? this.#join(input, origin)
      : this.#setUp(input, input.setupToken, origin)
  }

  async #setUp(input: RegisterInput, token: string, origin: CallOrigin): Promise<User> {
    const { db, settings, journal, limits, home } = this.#deps
    // Whoever comes too late wanted to be the admin, and must not believe that it is one.
    if (await isSetUp(db)) throw setUpIsDone()
    if (isSetupToken(settings.setupToken, token)) return createFirstAdmin(this.#deps, input, origin)
    await limits.countRegistration(origin.clientIp)
    await journal.append(home.orgId, [setUpDenied(home, origin)])
    throw new KrownError('FORBIDDEN', 'the setup token is not right')
  }

  async #join(input: RegisterInput, origin: CallOrigin): Promise<User> {
    const { journal, people, limits, home, invites } = this.#deps
    this.#requireOpen(input)
    await limits.countRegistration(origin.clientIp)
    const { inviteToken } = input
    const invite = inviteToken === undefined ? undefined : await invites.check(inviteToken)
    const { orgId, role } = invite ?? { orgId: home.orgId, role: 'readonly' as const }
    const person = await people.prepare(input, origin.clientIp)
    return journal.transact(
      orgId,
      async (trx) => {
        const user = await insertPerson(trx, orgId, { person, role })
        if (invite) await invites.use(trx, invite, user.id)
        return user
      },
      (user) => [userRegistered(user, origin, invite?.id)],
    )
  }

  #requireOpen({ inviteToken }: RegisterInput): void {
    const { registration } = this.#deps.settings
    if (registration === 'closed') {
      throw new KrownError('FORBIDDEN', 'registration is closed: ask an admin for an account')
    }
    if (registration === 'invite' && inviteToken === undefined) {
      throw new KrownError('FORBIDDEN', 'registration needs an invite: ask an admin for one')
    }
  }
}

function userRegistered(
  user: User,
  { clientIp, requestId }: CallOrigin,
  inviteId: InviteId | undefined,
): JournalDraft {
  return {
    action: 'user.registered',
    outcome: 'success',
    actor: { kind: 'login', userId: user.id, username: user.username, clientIp, requestId },
    resource: { kind: 'user', id: user.id },
    facts: { role: user.role, ...(inviteId !== undefined && { inviteId }) },
  }
}

function setUpDenied({ system }: HomeOrg, origin: CallOrigin): JournalDraft {
  return { action: 'instance.set_up', outcome: 'denied', actor: onBehalfOf(system, origin) }
}
