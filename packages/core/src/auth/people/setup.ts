import { hash, timingSafeEqual } from 'node:crypto'
import type { Trx } from '../../db/database.js'
import { insertSetUp } from '../../db/repositories/instance.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { CallOrigin } from '../../model/actor.js'
import type { User } from '../../model/user.js'
import type { HomeOrg } from './default-org.js'
import {
  conflictIfTaken,
  insertPerson,
  type NewPeople,
  type NewPerson,
  type PersonInput,
} from './new-person.js'

export interface FirstAdminDeps {
  readonly journal: Journal
  readonly people: NewPeople
  readonly home: HomeOrg
}

/**
 * Makes the first admin, who is admin of the organization `default` and of the instance. The one way in, whether
 * by a setup token or by somebody on the machine; the caller has checked which.
 *
 * @throws KrownError CONFLICT when set-up is done, also when somebody else did it a moment before;
 * VALIDATION_FAILED, UNAVAILABLE.
 */
export async function createFirstAdmin(
  { journal, people, home }: FirstAdminDeps,
  input: PersonInput,
  origin: CallOrigin,
): Promise<User> {
  // Not counted against the address: whoever may do this must not be kept out by whoever may not.
  const person = await people.prepare(input, null)
  return journal.transact(
    home.orgId,
    (trx) => insertFirstAdmin(trx, home, person),
    (user) => [setUpDone(user, origin)],
  )
}

async function insertFirstAdmin(trx: Trx, home: HomeOrg, person: NewPerson): Promise<User> {
  const setUp = { at: person.createdAt, by: person.id }
  await conflictIfTaken(SET_UP_IS_DONE, () => insertSetUp(trx, setUp))
  return insertPerson(trx, home.orgId, { person, role: 'admin', isInstanceAdmin: true })
}

const SET_UP_IS_DONE = 'set-up is already done: there is an admin'

export function setUpIsDone(): KrownError {
  return new KrownError('CONFLICT', SET_UP_IS_DONE)
}

/** Compares in constant time; nothing equals an absent token. */
export function isSetupToken(expected: string | null, given: string): boolean {
  return (
    expected !== null && timingSafeEqual(hash('sha256', expected, 'buffer'), hash('sha256', given, 'buffer'))
  )
}

function setUpDone(user: User, { clientIp, requestId }: CallOrigin): JournalDraft {
  return {
    action: 'instance.set_up',
    outcome: 'success',
    actor: { kind: 'login', userId: user.id, username: user.username, clientIp, requestId },
    resource: { kind: 'user', id: user.id },
    facts: { role: user.role },
  }
}
