import type { JournalDraft } from '../../journal/entry.js'
import type { Actor } from '../../model/actor.js'
import type { Credential } from '../../model/credential.js'

/** What was different afterwards. */
export interface CredentialChange {
  readonly before: Credential
  readonly after: Credential
  readonly hasNewSecret: boolean
}

export function credentialCreated(actor: Actor, credential: Credential): JournalDraft {
  return {
    ...about(actor, credential),
    action: 'credential.created',
    facts: { kind: credential.kind, fingerprint: credential.fingerprint },
  }
}

/** None when nothing is different. */
export function credentialUpdated(
  actor: Actor,
  { before, after, hasNewSecret }: CredentialChange,
): JournalDraft[] {
  const isRenamed = before.name !== after.name
  if (!isRenamed && !hasNewSecret) return []
  const { credential } = about(actor, after).details
  return [
    {
      ...about(actor, after),
      action: 'credential.updated',
      facts: { kind: after.kind, ...(hasNewSecret && { newSecret: true, fingerprint: after.fingerprint }) },
      details: { credential, ...(isRenamed && { renamedFrom: before.name }) },
    },
  ]
}

export function credentialDeleted(actor: Actor, credential: Credential): JournalDraft {
  return { ...about(actor, credential), action: 'credential.deleted', facts: { kind: credential.kind } }
}

function about(actor: Actor, { id, name }: Credential) {
  return {
    outcome: 'success',
    actor,
    resource: { kind: 'credential', id },
    details: { credential: name },
  } as const
}
