import { reachOf, type Subject } from '../../access/decide.js'
import type { AccessQuestion } from '../../access/decide-rule.js'
import { ACCESS_VERBS, type AccessReason, type AccessSubject } from '../../model/access-rule.js'
import type { Actor } from '../../model/actor.js'
import type { ApiTokenId } from '../../model/ids.js'
import type { OrgRules, ReadyRule } from './rule-books.js'

/** An API token that somebody came with. */
export interface HeldToken {
  readonly id: ApiTokenId
  /** False once it was revoked or has expired: its rules then allow nothing. */
  readonly isLive: boolean
}

/** Whose access is in question: the user, and the API token that it came with, if any. */
export interface AccessHolder {
  readonly subject: Subject
  readonly token: HeldToken | undefined
}

/** Scopes are left out: they are asked for at the gate, and rules know nothing of them. */
export function holderOf(actor: Actor, { userId, role, auditScope }: Subject): AccessHolder {
  const token = actor.kind === 'api_token' ? { id: actor.tokenId, isLive: true } : undefined
  return { subject: { userId, role, auditScope }, token }
}

/** Whether something may be done on a target, and why. */
export interface AccessVerdict {
  readonly allowed: boolean
  readonly reason: Exclude<AccessReason, 'disabled' | 'token_ended'>
  /** The rule by which the user may; null when none lets it, or none is needed. */
  readonly rule: ReadyRule | null
  /** What the token's own rules say; null when none names it, or there is no token. */
  readonly limit: { readonly rule: ReadyRule | null } | null
}

type Asked = Omit<AccessQuestion, 'subjects'>

/**
 * The one place where it is decided: opening, commands, the job that ends what has lost its access and explaining all
 * ask it. With a token that rules name, the user and the token must both be allowed one of the verbs.
 */
export function judgeAccess({ subject, token }: AccessHolder, rules: OrgRules, asked: Asked): AccessVerdict {
  if (!isLimited(token, rules)) return { ...judgeUser(subject, rules, asked), limit: null }
  for (const verb of asked.verbs ?? ACCESS_VERBS) {
    const one = { ...asked, verbs: [verb] }
    const rule = findOwnRule(token, rules, one)
    const verdict = judgeUser(subject, rules, one)
    if (rule && verdict.allowed) return { ...verdict, limit: { rule } }
  }
  return refusal(judgeUser(subject, rules, asked), findOwnRule(token, rules, asked))
}

/** Whether access rules name the token: then it reaches what these allow, and nothing else. */
export function isLimited(token: HeldToken | undefined, rules: OrgRules): token is HeldToken {
  return token !== undefined && rules.names(itself(token))
}

/** For whom rules count: each of these sides has to let the caller do something. */
export type AccessSides = readonly (readonly AccessSubject[])[]

/**
 * The sides of who looks at targets: the user, unless it sees all of them, and a token that rules name.
 *
 * @param subject With the scopes of the token.
 * @returns Null when the user sees none.
 */
export function sidesToSee(subject: Subject, holder: AccessHolder, rules: OrgRules): AccessSides | null {
  const ofToken = isLimited(holder.token, rules) ? [[itself(holder.token)]] : []
  if (reachOf(subject, 'target:read') === 'org') return ofToken
  const reach = reachOf(holder.subject, 'target:use')
  if (reach === 'none') return null
  return reach === 'org' ? ofToken : [subjectsOf(subject), ...ofToken]
}

function judgeUser(subject: Subject, rules: OrgRules, asked: Asked): Omit<AccessVerdict, 'limit'> {
  const reach = reachOf(subject, 'target:use')
  if (reach === 'none') return { allowed: false, reason: 'role', rule: null }
  if (reach === 'org') return { allowed: true, reason: 'admin', rule: null }
  const rule = rules.find({ ...asked, subjects: subjectsOf(subject) })
  return rule ? { allowed: true, reason: 'rule', rule } : { allowed: false, reason: 'no_rule', rule: null }
}

/** The token's own rule that allows it, whatever those of its user say. */
export function findOwnRule(token: HeldToken, rules: OrgRules, asked: Asked): ReadyRule | null {
  if (!token.isLive) return null
  return rules.find({ ...asked, subjects: [itself(token)] }) ?? null
}

function refusal(ofUser: Omit<AccessVerdict, 'limit'>, rule: ReadyRule | null): AccessVerdict {
  const reason = ofUser.allowed ? 'no_token_rule' : ofUser.reason
  return { ...ofUser, allowed: false, reason, limit: { rule } }
}

function subjectsOf({ userId, role }: Subject): AccessSubject[] {
  return [
    { kind: 'user', userId },
    { kind: 'role', role },
  ]
}

function itself({ id: tokenId }: HeldToken): AccessSubject {
  return { kind: 'api_token', tokenId }
}
