import { hash } from 'node:crypto'
import type { NewId } from '../../base/ids.js'
import { KrownError, validationError } from '../../errors/krown-error.js'
import type { OpenShellInput } from '../../model/channel.js'
import type { ExecOptions, StartCommandInput } from '../../model/command.js'
import type { SessionId } from '../../model/ids.js'
import type { TerminalOptions } from '../../model/terminal.js'
import type { SshTerminal } from '../../ssh/connector.js'
import { toTerminalSize } from '../channels/terminal-size.js'
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
    kind: 'exec',
    command: asked.command,
    terminal: asked.pty ? toTerminal(asked.pty) : null,
    env: {},
    stdin: decodeStdin(asked),
    stdinOpen: asked.stdinOpen ?? false,
    timeoutMs,
    maxOutputBytes: mode === 'streamed' ? null : maxOutputBytes,
    driven: mode !== 'buffered',
    digest: digestOf(asked, sessionId),
  }
}

/** A shell that its opener attaches to: none of its output is kept for answers, and it lasts as long as it may. */
export function toShellRequest(
  asked: OpenShellInput,
  { limits, newId }: { limits: CommandLimits; newId: NewId },
): CommandRequest {
  const { sessionId, env = {}, commandId } = asked
  const terminal = toTerminal(asked)
  return {
    id: commandId ?? newId(),
    sessionId,
    kind: 'shell',
    command: '',
    terminal,
    env,
    stdin: null,
    stdinOpen: true,
    timeoutMs: limits.maxTimeoutMs,
    maxOutputBytes: null,
    driven: true,
    digest: hash('sha256', JSON.stringify([sessionId, 'shell', terminal, env]), 'hex'),
  }
}

function toTerminal({ term = 'xterm-256color', columns = 80, rows = 24 }: TerminalOptions): SshTerminal {
  return { term, ...toTerminalSize({ columns, rows }) }
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
  const { command, stdin, stdinEncoding, stdinOpen, timeoutMs, maxOutputBytes, pty } = asked
  const parts = [sessionId, command, stdin, stdinEncoding, stdinOpen, timeoutMs, maxOutputBytes]
  if (pty) parts.push(JSON.stringify(toTerminal(pty)))
  return hash('sha256', JSON.stringify(parts.map((part) => part ?? null)), 'hex')
}
