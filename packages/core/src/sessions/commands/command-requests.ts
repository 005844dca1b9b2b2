import { hash } from 'node:crypto'
import type { NewId } from '../../base/ids.js'
import { KrownError, validationError } from '../../errors/krown-error.js'
import type { ExecOptions, StartCommandInput } from '../../model/command.js'
import type { SessionId } from '../../model/ids.js'
import type { CommandRequest } from './live-command.js'

/** Bytes of a command line. */
export const MAX_COMMAND_BYTES = 64 * 1024

export interface CommandLimits {
  /** Default of a buffered command, milliseconds. */
  readonly defaultTimeoutMs: number
  readonly maxTimeoutMs: number
  /** Most that is kept of each stream, bytes. */
  readonly maxOutputBytes: number
}

/**
 * How the output goes to the caller. `buffered`: collected, with the default timeout. `started`: collected too, for
 * whoever asks, and read live. `streamed`: read live by its starter alone.
 */
export type OutputMode = 'buffered' | 'started' | 'streamed'

type Asked = ExecOptions & Pick<StartCommandInput, 'stdinOpen'> & { readonly command: string }

/**
 * Checks what a schema cannot know and fills in the defaults.
 *
 * @throws KrownError VALIDATION_FAILED; PAYLOAD_TOO_LARGE for a command of more than 64 KiB.
 */
export function toCommandRequest(
  asked: Asked,
  context: { sessionId: SessionId; mode: OutputMode; limits: CommandLimits; newId: NewId },
): CommandRequest {
  const { sessionId, mode, limits } = context
  requireSize(asked.command)
  const { timeoutMs = mode === 'buffered' ? limits.defaultTimeoutMs : limits.maxTimeoutMs } = asked
  const { maxOutputBytes = limits.maxOutputBytes } = asked
  requireAtMost('timeoutMs', timeoutMs, limits.maxTimeoutMs)
  requireAtMost('maxOutputBytes', maxOutputBytes, limits.maxOutputBytes)
  return {
    id: asked.commandId ?? context.newId(),
    sessionId,
    command: asked.command,
    stdin: decodeStdin(asked),
    stdinOpen: asked.stdinOpen ?? false,
    timeoutMs,
    maxOutputBytes: mode === 'streamed' ? null : maxOutputBytes,
    driven: mode !== 'buffered',
    digest: digestOf(asked, sessionId),
  }
}

function requireSize(command: string): void {
  const bytes = Buffer.byteLength(command, 'utf8')
  if (bytes <= MAX_COMMAND_BYTES) return
  throw new KrownError(
    'PAYLOAD_TOO_LARGE',
    'the command is longer than 64 KiB; send a script through stdin',
    {
      details: { bytes, maxBytes: MAX_COMMAND_BYTES },
    },
  )
}

function requireAtMost(path: string, value: number, maximum: number): void {
  if (value > maximum) throw validationError([{ path, message: `must be at most ${maximum}` }])
}

function decodeStdin({ stdin, stdinEncoding }: Asked): Buffer | null {
  if (stdin === undefined) return null
  if (stdinEncoding !== 'base64') return Buffer.from(stdin, 'utf8')
  const bytes = Buffer.from(stdin, 'base64')
  // Node skips what is not base64; sending something else than was meant would be worse than refusing.
  if (bytes.toString('base64').replace(/=+$/, '') === stdin.replace(/=+$/, '')) return bytes
  throw validationError([{ path: 'stdin', message: 'must be base64, as stdinEncoding says' }])
}

// Only the id and how long the caller waits may differ between a request and its retry.
function digestOf(asked: Asked, sessionId: SessionId): string {
  const { command, stdin, stdinEncoding, stdinOpen, timeoutMs, maxOutputBytes } = asked
  const parts = [sessionId, command, stdin, stdinEncoding, stdinOpen, timeoutMs, maxOutputBytes]
  return hash('sha256', JSON.stringify(parts.map((part) => part ?? null)), 'hex')
}
