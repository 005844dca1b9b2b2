import type { StoredTarget } from '../../db/repositories/target.repository.js'
import type { KrownError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Actor } from '../../model/actor.js'
import { dialFailureFacts, dialOutcome } from '../outbound/dial-failure.js'
import { changedFields, type TargetDraft } from './target-draft.js'

export function targetCreated(actor: Actor, target: StoredTarget): JournalDraft {
  return {
    ...about(actor, target),
    action: 'target.created',
    facts: factsOf(target),
    details: detailsOf(target),
  }
}

/** None when nothing is different. */
export function targetUpdated(
  actor: Actor,
  { before, after }: { before: StoredTarget; after: StoredTarget },
): JournalDraft[] {
  const changed = changedFields(before, after)
  if (changed.length === 0) return []
  const facts = { ...factsOf(after), changed }
  const details = { ...detailsOf(after), before: detailsOf(before) }
  return [{ ...about(actor, after), action: 'target.updated', facts, details }]
}

export function targetDeleted(actor: Actor, target: StoredTarget): JournalDraft {
  return { ...about(actor, target), action: 'target.deleted', details: detailsOf(target) }
}

/** Krown went out to see the host key, or would have, and nothing came of it. */
export function targetCreateFailed(actor: Actor, draft: TargetDraft, error: KrownError): JournalDraft {
  return {
    action: 'target.create_failed',
    outcome: dialOutcome(error),
    actor,
    facts: dialFailureFacts(error),
    details: detailsOf(draft),
  }
}

function about(actor: Actor, { id }: StoredTarget) {
  return { outcome: 'success', actor, resource: { kind: 'target', id } } as const
}

function factsOf({ credentialId, jumpTargetId, legacyAlgorithms }: TargetDraft) {
  return {
    ...(credentialId !== null && { credentialId }),
    ...(jumpTargetId !== null && { jumpTargetId }),
    ...(legacyAlgorithms && { legacyAlgorithms }),
  }
}

function detailsOf({ name, host, port, username, tags }: TargetDraft) {
  return { target: name, host, port, targetUsername: username, tags: [...tags] }
}
