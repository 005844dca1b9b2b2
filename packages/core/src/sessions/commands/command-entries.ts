import type { JournalDraft } from '../../journal/entry.js'
import type { LiveSession } from '../live-session.js'
import type { LiveCommand } from './live-command.js'

/** The intent: durable before a byte goes to the target. */
export function commandStarted(command: LiveCommand, { session }: LiveSession): JournalDraft {
  const { request } = command
  return {
    action: 'command.started',
    outcome: 'success',
    actor: command.actor,
    resource: resourceOf(command),
    facts: {
      hostKeyFingerprint: session.hostKeyFingerprint,
      kind: request.kind,
      recordingId: command.recordingId,
      sessionId: session.id,
      stdinBytes: request.stdin?.length ?? 0,
      timeoutMs: request.timeoutMs,
    },
    details: {
      command: request.command,
      host: session.host,
      port: session.port,
      targetUsername: session.username,
    },
  }
}

export function commandFinished(command: LiveCommand): JournalDraft {
  const result = command.toResult()
  return {
    action: 'command.finished',
    outcome: result.status === 'completed' ? 'success' : 'failure',
    actor: command.actor,
    resource: resourceOf(command),
    facts: {
      durationMs: result.duration_ms,
      errorCode: result.error_code,
      exitCode: result.exit_code,
      killed: result.killed,
      sessionId: command.request.sessionId,
      signal: result.signal,
      status: result.status,
      stderrBytes: result.stderr_bytes,
      stderrSha256: result.stderr_sha256,
      stdoutBytes: result.stdout_bytes,
      stdoutSha256: result.stdout_sha256,
    },
  }
}

/** Somebody wants it to end; the result says whether it did. */
export function commandCancelRequested(command: LiveCommand, actor: JournalDraft['actor']): JournalDraft {
  return {
    action: 'command.cancel_requested',
    outcome: 'success',
    actor,
    resource: resourceOf(command),
    facts: { sessionId: command.request.sessionId },
  }
}

/** The first time that somebody else than its starter sends input into it. */
export function commandInput(command: LiveCommand, actor: JournalDraft['actor']): JournalDraft {
  return {
    action: 'command.input',
    outcome: 'success',
    actor,
    resource: resourceOf(command),
    facts: { sessionId: command.request.sessionId, ownerUserId: command.userId },
  }
}

function resourceOf({ id }: LiveCommand) {
  return { kind: 'command', id }
}
