import type { JournalDraft } from '../journal/entry.js'
import type { Recording } from '../model/recording.js'
import type { RecorderResult, RecorderTrouble } from './recorder.js'

type Identity = Pick<Recording, 'id' | 'sessionId' | 'userId' | 'kind' | 'commandId'>

export function recordingClosed(
  recording: Identity,
  actor: JournalDraft['actor'],
  result: RecorderResult,
): JournalDraft {
  const { complete, durationMs, fileBytes, plainBytes, sha256, lostBytes } = result
  const digest = complete ? { sha256, plainBytes } : {}
  return {
    action: 'recording.closed',
    outcome: complete && lostBytes === 0 ? 'success' : 'failure',
    actor,
    resource: resourceOf(recording),
    facts: {
      ...factsOf(recording),
      ...digest,
      status: complete ? 'closed' : 'incomplete',
      durationMs,
      fileBytes,
      lostBytes,
    },
  }
}

/** It cannot be written any more, and what became of the channels. */
export function recordingFailed(
  recording: Identity,
  actor: JournalDraft['actor'],
  { mode, trouble }: { mode: 'strict' | 'best-effort'; trouble: RecorderTrouble },
): JournalDraft {
  return {
    action: 'recording.failed',
    outcome: 'failure',
    actor,
    resource: resourceOf(recording),
    facts: { ...factsOf(recording), mode, reason: trouble.reason, ...codeOf(trouble) },
  }
}

/** File and key are destroyed. */
export function recordingDeleted(
  recording: Recording,
  actor: JournalDraft['actor'],
  reason: 'request' | 'retention' | 'master_key_lost',
): JournalDraft {
  const { sha256, plainBytes } = recording
  return {
    action: 'recording.deleted',
    outcome: 'success',
    actor,
    resource: resourceOf(recording),
    facts: { ...factsOf(recording), reason, sha256, plainBytes, startedAt: recording.startedAt },
  }
}

/** Its process died; what it wrote is there. */
export function recordingInterrupted(recording: Pick<Recording, 'id' | 'sessionId' | 'userId'>) {
  return {
    action: 'recording.closed',
    outcome: 'failure',
    resource: resourceOf(recording),
    facts: { ownerUserId: recording.userId, sessionId: recording.sessionId, status: 'incomplete' },
  } as const
}

function resourceOf({ id }: Pick<Recording, 'id'>) {
  return { kind: 'recording', id }
}

function factsOf({ kind, sessionId, userId, commandId }: Identity) {
  return { kind, sessionId, ownerUserId: userId, ...(commandId !== null && { commandId }) }
}

// Such as ENOSPC. The path is nobody's business.
function codeOf(trouble: RecorderTrouble): { code?: string } {
  if (!('error' in trouble)) return {}
  const { code } = trouble.error as NodeJS.ErrnoException
  return typeof code === 'string' ? { code } : {}
}
