import { KrownError, notFound } from '../errors/krown-error.js'
import type { UserId } from '../model/ids.js'
import type { AuditScope, Role } from '../model/user.js'
import { type Permission, permissionTable, type Reach } from './permission-table.js'

/** What a decision depends on, as the database says now. */
export interface Subject {
  readonly userId: UserId
  readonly role: Role
  readonly auditScope: AuditScope
}

/** Whose rows `subject` may apply `permission` to. */
function reachOf(subject: Subject, permission: Permission): Reach {
  const row: Record<Role, Reach> & { auditor?: Reach } = permissionTable[permission]
  return subject.auditScope === 'org' && row.auditor ? row.auditor : row[subject.role]
}

/**
 * First question of every use case, asked before anything is read.
 *
 * @returns Whose rows the right covers, `own` or `org`.
 * @throws KrownError FORBIDDEN when the role never has the right.
 */
export function requirePermission(subject: Subject, permission: Permission): 'own' | 'org' {
  const reach = reachOf(subject, permission)
  if (reach === 'none') {
    throw new KrownError('FORBIDDEN', `your role does not allow ${permission}`, { details: { permission } })
  }
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
  if (!row || !covers(rights.visible)) throw notFound(rights.noun)
  if (!covers(rights.wanted)) {
    throw new KrownError('FORBIDDEN', `your role does not allow ${rights.wanted} here`, {
      details: { permission: rights.wanted },
    })
  }
  return row
}
