import type { Trx } from '../../db/database.js'
import { revokeLoginsOfUser } from '../../db/repositories/login.repository.js'
import {
  countOtherAdmins,
  countOtherInstanceAdmins,
  type MembershipChanges,
  updateMembership,
} from '../../db/repositories/membership.repository.js'
import { findPerson, isInstanceAdmin, raiseTokenVersion } from '../../db/repositories/user.repository.js'
import { KrownError, notFound } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Actor } from '../../model/actor.js'
import type { OrgId, UserId } from '../../model/ids.js'
import type { UpdateUserInput, User } from '../../model/user.js'
import { isActiveAdmin, type Rights, requireMayRaise } from './raised-rights.js'

export interface ChangedPerson {
  readonly before: User
  readonly after: User
}

/**
 * Changes what a person may do. Runs under the journal's lock, so of two admins who demote each other one is left.
 *
 * @param change.at Epoch milliseconds.
 * @throws KrownError CONFLICT when no admin, or none of the instance, would be left; FORBIDDEN when a token would make
 * an admin or auditor; NOT_FOUND.
 */
export async function changePerson(
  trx: Trx,
  actor: Actor,
  change: { id: UserId; input: UpdateUserInput; at: number },
): Promise<ChangedPerson> {
  const { orgId } = actor
  const { id, input, at } = change
  const before = await findPerson(trx, orgId, id)
  if (!before) throw notFound('user')
  const wanted = { ...before, ...definedIn(input) }
  requireMayRaise(actor, wanted, before)
  if (isActiveAdmin(before) && !isActiveAdmin(wanted)) await requireOtherAdmins(trx, orgId, id)
  await updateMembership(trx, orgId, { userId: id, set: toColumns(before, wanted, at) })
  if (wanted.disabled && !before.disabled) {
    await raiseTokenVersion(trx, orgId, id)
    await revokeLoginsOfUser(trx, orgId, { userId: id, at })
  }
  const after = await findPerson(trx, orgId, id)
  return { before, after: after ?? before }
}

/** One entry for each thing that is different now. */
export function personChanged(actor: Actor, { before, after }: ChangedPerson): JournalDraft[] {
  const about = {
    outcome: 'success',
    actor,
    resource: { kind: 'user', id: after.id },
    details: { user: after.username },
  } as const
  const fromTo = (key: 'role' | 'auditScope') => ({ from: before[key], to: after[key] })
  const entries: JournalDraft[] = []
  if (before.role !== after.role) {
    entries.push({ ...about, action: 'user.role_changed', facts: fromTo('role') })
  }
  if (before.auditScope !== after.auditScope) {
    entries.push({ ...about, action: 'user.audit_scope_changed', facts: fromTo('auditScope') })
  }
  if (before.disabled !== after.disabled) {
    entries.push({ ...about, action: after.disabled ? 'user.disabled' : 'user.enabled' })
  }
  return entries
}

async function requireOtherAdmins(trx: Trx, orgId: OrgId, id: UserId): Promise<void> {
  if ((await countOtherAdmins(trx, orgId, id)) === 0) throw lastOne('admin')
  if (!(await isInstanceAdmin(trx, orgId, id))) return
  if ((await countOtherInstanceAdmins(trx, orgId, id)) === 0) throw lastOne('instance admin')
}

function lastOne(what: string): KrownError {
  return new KrownError('CONFLICT', `the last ${what} can be neither demoted nor disabled`)
}

function definedIn({ role, disabled, auditScope }: UpdateUserInput): Partial<Rights> {
  return {
    ...(role !== undefined && { role }),
    ...(disabled !== undefined && { disabled }),
    ...(auditScope !== undefined && { auditScope }),
  }
}

function toColumns(before: Rights, wanted: Rights, at: number): MembershipChanges {
  return {
    role: wanted.role,
    audit_scope: wanted.auditScope,
    ...(wanted.disabled !== before.disabled && { disabled_at: wanted.disabled ? at : null }),
  }
}
