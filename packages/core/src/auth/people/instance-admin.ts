import { parseInput } from '../../base/parse-input.js'
import type { Db, Trx } from '../../db/database.js'
import {
  findMember,
  findSignInCandidateAcrossOrgs,
  isInstanceAdmin,
  type SignInCandidate,
  updateUser,
} from '../../db/repositories/user.repository.js'
import { KrownError, notFound } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { SystemActor } from '../../model/actor.js'
import type { User } from '../../model/user.js'
import type { HomeOrg } from './default-org.js'
import { foldUsername, personInputSchema } from './new-person.js'

export interface InstanceAdminDeps {
  readonly db: Db
  readonly journal: Journal
  readonly home: HomeOrg
}

/**
 * For somebody on the machine, who needs no account: makes an admin one of the instance as well, so that there can be
 * another before the only one leaves. One who is already stays so, without an entry.
 *
 * @throws KrownError NOT_FOUND for a name that no user has; CONFLICT for one who is not an admin, or is disabled;
 * VALIDATION_FAILED.
 */
export async function grantInstanceAdmin(
  { db, journal, home }: InstanceAdminDeps,
  input: { username: string },
): Promise<User> {
  const { username } = parseInput(personInputSchema.pick({ username: true }), input)
  const candidate = await findSignInCandidateAcrossOrgs(db, foldUsername(username))
  if (!candidate) throw notFound('user')
  const { user } = await journal.transact(
    candidate.orgId,
    (trx) => grant(trx, candidate),
    ({ user, isNew }) => (isNew ? [granted({ ...home.system, orgId: candidate.orgId }, user)] : []),
  )
  return user
}

async function grant(trx: Trx, { userId, orgId }: SignInCandidate): Promise<{ user: User; isNew: boolean }> {
  const user = await findMember(trx, orgId, userId)
  if (!user) throw notFound('user')
  if (user.role !== 'admin' || user.disabled) {
    throw new KrownError('CONFLICT', 'only an admin who is not disabled becomes one of the instance')
  }
  if (await isInstanceAdmin(trx, orgId, userId)) return { user, isNew: false }
  await updateUser(trx, orgId, { userId, set: { is_instance_admin: 1 } })
  return { user, isNew: true }
}

function granted(actor: SystemActor, user: User): JournalDraft {
  return {
    action: 'user.instance_admin_granted',
    outcome: 'success',
    actor,
    resource: { kind: 'user', id: user.id },
    details: { user: user.username },
  }
}
