import { reachOf, type Subject } from '../../access/decide.js'
import type { AccessQuestion } from '../../access/decide-rule.js'
import type { AccessReason } from '../../model/access-rule.js'
import type { Actor } from '../../model/actor.js'
import type { ApiTokenId } from '../../model/ids.js'
import type { OrgRules, ReadyRule } from './rule-books.js'

/** Whose access is in question: the user, and the API token that it came with, if any. */
export interface AccessHolder {
  readonly subject: Subject
  readonly tokenId: ApiTokenId | undefined
}

/** Scopes are left out: they are asked for at the gate, and rules know nothing of them. */
export function holderOf(actor: Actor, { userId, role, auditScope }: Subject): AccessHolder {
  const tokenId = actor.kind === 'api_token' ? actor.tokenId : undefined
  return { subject: { userId, role, auditScope }, tokenId }
}

/** Whether something may be done on a target, and why. */
export interface AccessVerdict {
  readonly allowed: boolean
  readonly reason: Exclude<AccessReason, 'disabled'>
  /** The rule that allows it; null when none does, or none is needed. */
  readonly rule: ReadyRule | null
}

const BY_ROLE: AccessVerdict = { allowed: false, reason: 'role', rule: null }
const BY_ADMIN: AccessVerdict = { allowed: true, reason: 'admin', rule: null }
const NO_RULE: AccessVerdict = { allowed: false, reason: 'no_rule', rule: null }

/** The one place where it is decided: opening, commands, the job that ends sessions and explaining all ask it. */
export function judgeAccess(
  { subject, tokenId }: AccessHolder,
  rules: OrgRules,
  asked: Omit<AccessQuestion, 'subject'>,
): AccessVerdict {
  const reach = reachOf(subject, 'target:use')
  if (reach === 'none') return BY_ROLE
  if (reach === 'org') return BY_ADMIN
  const { userId, role } = subject
  const rule = rules.find({ ...asked, subject: { userId, role, tokenId } })
  return rule ? { allowed: true, reason: 'rule', rule } : NO_RULE
}
