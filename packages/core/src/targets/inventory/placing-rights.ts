import { reachOf, requirePermission, type Subject } from '../../access/decide.js'
import type { StoredTarget } from '../../db/repositories/target.repository.js'
import type { CreateTargetInput } from '../../model/target.js'
import type { TargetDraft } from './target-draft.js'

/** With these a stored credential goes somewhere else. */
const PLACE = ['credentialId', 'host', 'port', 'username', 'jumpTargetId'] as const

/** True when a stored credential would go where it did not go before. */
export function movesSecret(before: StoredTarget | undefined, draft: TargetDraft): boolean {
  if (draft.credentialId === null) return false
  return before === undefined || PLACE.some((field) => before[field] !== draft[field])
}

export function managesCredentials(subject: Subject): boolean {
  return reachOf(subject, 'credential:manage') === 'org'
}

/**
 * Where a secret goes is part of managing it, and what a new target makes Krown trust or sign in to is more than an
 * entry of a list: an API token needs the scopes for these as well. Roles that manage targets have them all.
 *
 * @throws KrownError FORBIDDEN
 */
export function requireRightsToCreate(subject: Subject, draft: TargetDraft, input: CreateTargetInput): void {
  requireRightsToMove(subject, undefined, draft)
  const isProbed = input.probe !== false
  if (isProbed || input.hostKeyFingerprint !== undefined) requirePermission(subject, 'hostkey:manage')
  if (isProbed && draft.jumpTargetId !== null) requirePermission(subject, 'target:use')
}

/** @throws KrownError FORBIDDEN */
export function requireRightsToMove(
  subject: Subject,
  before: StoredTarget | undefined,
  draft: TargetDraft,
): void {
  if (movesSecret(before, draft)) requirePermission(subject, 'credential:manage')
}
