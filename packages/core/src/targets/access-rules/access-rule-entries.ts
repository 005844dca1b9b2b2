import type { JournalDraft } from '../../journal/entry.js'
import type { AccessRule, RevokedAccessRule } from '../../model/access-rule.js'
import type { Actor } from '../../model/actor.js'

export function accessRuleGranted(actor: Actor, rule: AccessRule): JournalDraft {
  return { action: 'access_rule.granted', ...about(actor, rule) }
}

/** With the rule as it is now; the entries before say what it was. */
export function accessRuleChanged(actor: Actor, rule: AccessRule): JournalDraft {
  return { action: 'access_rule.changed', ...about(actor, rule) }
}

export function accessRuleRevoked(actor: Actor, rule: RevokedAccessRule): JournalDraft {
  const { facts, ...entry } = about(actor, rule)
  const { tokenUnlimited } = rule
  return {
    action: 'access_rule.revoked',
    ...entry,
    facts: { ...facts, ...(tokenUnlimited && { tokenUnlimited }) },
  }
}

function about(actor: Actor, rule: AccessRule): Omit<JournalDraft, 'action'> {
  const { id, subject, subjectName, verbs, expiresAt, selector, remoteUsernames, reason } = rule
  return {
    outcome: 'success',
    actor,
    resource: { kind: 'access_rule', id },
    facts: { subject: { ...subject }, verbs, expiresAt },
    details: { selector, remoteUsernames, reason, ...(subjectName !== null && { subjectName }) },
  }
}
