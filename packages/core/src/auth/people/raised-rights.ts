import { KrownError } from '../../errors/krown-error.js'
import type { Actor } from '../../model/actor.js'
import type { User } from '../../model/user.js'

export type Rights = Pick<User, 'role' | 'disabled' | 'auditScope'>

export function isActiveAdmin({ role, disabled }: Rights): boolean {
  return role === 'admin' && !disabled
}

/**
 * An admin whom an API token made would keep all rights when the token is revoked, and have more than its scopes: a
 * token makes none, and no auditor.
 *
 * @param before Undefined for somebody new.
 * @throws KrownError FORBIDDEN
 */
export function requireMayRaise(
  actor: Actor,
  wanted: Partial<Rights>,
  before: Rights = { role: 'readonly', disabled: false, auditScope: 'own' },
): void {
  if (actor.kind !== 'api_token') return
  const after = { ...before, ...wanted }
  const gains = (has: (rights: Rights) => boolean) => has(after) && !has(before)
  if (!gains(isActiveAdmin) && !gains(isActiveAuditor)) return
  throw new KrownError('FORBIDDEN', 'an API token makes nobody an admin or an auditor: sign in', {
    details: { permission: 'user:manage' },
  })
}

function isActiveAuditor({ auditScope, disabled }: Rights): boolean {
  return auditScope === 'org' && !disabled
}
