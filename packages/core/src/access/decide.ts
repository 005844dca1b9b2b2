import { KrownError, notFound } from '../errors/krown-error.js'
import type { ApiTokenScope } from '../model/api-token.js'
import type { UserId } from '../model/ids.js'
import type { AuditScope, Role } from '../model/user.js'
import { type Permission, permissionTable, type Reach } from './permission-table.js'

/** What a decision depends on, as the database says now. */
export interface Subject {
  readonly userId: UserId
  readonly role: Role
  readonly auditScope: AuditScope
  /** What the API token that the user's program came with is limited to; left out where there is no token. */
  readonly scopes?: readonly ApiTokenScope[] | undefined
}

/** Whose rows `subject` may apply `permission` to. */
export function reachOf(subject: Subject, permission: Permission): Reach {
  return isInScope(subject, permission) ? reachOfUser(subject, permission) : 'none'
}

function reachOfUser(subject: Subject, permission: Permission): Reach {
  const row: Record<Role, Reach> & { auditor?: Reach } = permissionTable[permission]
  return subject.auditScope === 'org' && row.auditor ? row.auditor : row[subject.role]
}

function isInScope({ scopes }: Subject, permission: Permission): boolean {
  const permissions: readonly Permission[] | undefined = scopes
  // Whoever holds a token may learn whose it is: else it could not be tried out.
  return permissions === undefined || permission === 'self:read' || permissions.includes(permission)
}

/**
 * First question of every use case, asked before anything is read.
 *
 * @returns Whose rows the right covers, `own` or `org`.
 * @throws KrownError FORBIDDEN when the role never has the right, or the API token does not.
 */
export function requirePermission(subject: Subject, permission: Permission): 'own' | 'org' {
  const reach = reachOf(subject, permission)
  if (reach === 'none') throw forbidden(subject, permission)
  return reach
}

/**
 * Second question, asked with the row at hand: NOT_FOUND when the caller may not even see it, FORBIDDEN when it
 * may see it but not do this.
 *
 * @param row The row, or undefined when none with that id is in the caller's organization.
 */
export function requireRow<Row>(
  subject: Subject,
  rights: { wanted: Permission; visible: Permission; noun: string },
  row: (Row & { readonly userId: UserId }) | undefined,
): Row & { readonly userId: UserId } {
  const covers = (permission: Permission) => {
    const reach = reachOf(subject, permission)
    return reach === 'org' || (reach === 'own' && row?.userId === subject.userId)
  }
  const isWanted = covers(rights.wanted)
  // A token may have the one scope without the other: what it may use is no secret to it.
  if (!row || !(isWanted || covers(rights.visible))) throw notFound(rights.noun)
  if (!isWanted) throw forbidden(subject, rights.wanted, ' here')
  return row
}

function forbidden(subject: Subject, permission: Permission, where = ''): KrownError {
  const whose = isInScope(subject, permission) ? 'your role' : 'this API token'
  return new KrownError('FORBIDDEN', `${whose} does not allow ${permission}${where}`, {
    details: { permission },
  })
}
