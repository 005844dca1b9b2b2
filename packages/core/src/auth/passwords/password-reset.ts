import type { Clock } from '../../base/clock.js'
import { parseInput } from '../../base/parse-input.js'
import type { Db, Trx } from '../../db/database.js'
import { revokeLoginsOfUserAcrossOrgs } from '../../db/repositories/login.repository.js'
import { updateMembership } from '../../db/repositories/membership.repository.js'
import {
  findMember,
  findSignInCandidateAcrossOrgs,
  raiseTokenVersion,
  type SignInCandidate,
  updateUser,
} from '../../db/repositories/user.repository.js'
import { notFound } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { SystemActor } from '../../model/actor.js'
import type { User } from '../../model/user.js'
import type { HomeOrg } from '../people/default-org.js'
import { foldUsername, personInputSchema } from '../people/new-person.js'
import type { Passwords } from './passwords.js'

export interface PasswordResetDeps {
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  readonly passwords: Passwords
  readonly home: HomeOrg
}

/**
 * For somebody on the machine, who needs no account: sets a new password, enables the user again and ends all of
 * its logins. The role stays.
 *
 * @throws KrownError NOT_FOUND for a name that no user with a password has; VALIDATION_FAILED.
 */
export async function resetPassword(
  deps: PasswordResetDeps,
  input: { username: string; password: string },
): Promise<User> {
  const given = parseInput(personInputSchema.omit({ email: true }), input)
  const username = foldUsername(given.username)
  const candidate = await findSignInCandidateAcrossOrgs(deps.db, username)
  if (!candidate) throw notFound('user')
  const passwordHash = await deps.passwords.hashNew({ username, password: given.password }, null)
  return deps.journal.transact(
    candidate.orgId,
    (trx) => storePassword(trx, candidate, { passwordHash, at: deps.clock.now() }),
    (user) => [passwordReset({ ...deps.home.system, orgId: candidate.orgId }, user)],
  )
}

async function storePassword(
  trx: Trx,
  { userId, orgId }: SignInCandidate,
  { passwordHash, at }: { passwordHash: string; at: number },
): Promise<User> {
  await updateUser(trx, orgId, { userId, set: { password_hash: passwordHash, disabled_at: null } })
  await updateMembership(trx, orgId, { userId, set: { disabled_at: null } })
  await raiseTokenVersion(trx, orgId, userId)
  await revokeLoginsOfUserAcrossOrgs(trx, { userId, at })
  const user = await findMember(trx, orgId, userId)
  if (!user) throw notFound('user')
  return user
}

function passwordReset(actor: SystemActor, user: User): JournalDraft {
  return {
    action: 'user.password_reset',
    outcome: 'success',
    actor,
    resource: { kind: 'user', id: user.id },
    details: { user: user.username },
  }
}
