import { z } from 'zod'
import type { CommandId, RecordingId, SessionId, UserId } from './ids.js'
import { commandIdSchema, recordingIdSchema, sessionIdSchema, userIdSchema } from './ids-schema.js'
import { type Page, type PageQuery, pageOf, pageQueryShape } from './page.js'
import { type TerminalOptions, terminalOptionsShape } from './terminal.js'
import { bodyText } from './text.js'

export const COMMAND_STATUSES = [
  'running',
  'completed',
  'timed_out',
  'cancelled',
  'interrupted',
  'denied',
  'failed',
] as const
/**
 * `completed` whatever the exit code; `interrupted` when the connection or process was lost and the outcome is
 * unknown; `denied` and `failed` never reached the target.
 */
export type CommandStatus = (typeof COMMAND_STATUSES)[number]

/** `exec`: one command line; `shell`: the login shell of the user in a terminal. */
export type CommandKind = 'exec' | 'shell'

/** How bytes are written in a string: as the text they are, or, where they are not UTF-8, as base64. */
export type OutputEncoding = 'utf8' | 'base64'

/** One command on one session, without its output. Times are ISO 8601 in UTC with milliseconds. */
export interface CommandSummary {
  id: CommandId
  sessionId: SessionId
  /** Who started it. */
  userId: UserId
  kind: CommandKind
  /** As it went to the login shell; empty of a shell. */
  command: string
  status: CommandStatus
  /** Null while running, when a signal ended it (RFC 4254 §6.10) and when the outcome is unknown. */
  exitCode: number | null
  /** RFC 4254 name without SIG, such as `TERM`; null when none ended it. */
  signal: string | null
  /**
   * What went wrong, one of the error codes; null when nothing did. `FORBIDDEN` when it was `cancelled` because access to
   * the target ended.
   */
  errorCode: string | null
  /** Bytes the target sent, also those that were not kept. */
  stdoutBytes: number
  stderrBytes: number
  /** Less was kept than the target sent. */
  stdoutTruncated: boolean
  stderrTruncated: boolean
  /** After a timeout or cancel: did the target report the end? Null when nothing had to be killed. */
  killed: 'confirmed' | 'unconfirmed' | null
  startedAt: string
  /** Null while running. */
  finishedAt: string | null
  /** By the monotonic clock, milliseconds; null while running and when nobody measured it. */
  durationMs: number | null
  /** What its output is recorded in; null when it is not. */
  recordingId: RecordingId | null
  /** Where it begins in there, milliseconds; null without a recording. */
  recordingOffsetMs: number | null
}

/** A command with the output that was kept. */
export interface Command extends CommandSummary {
  /** Text, or base64 when `stdoutEncoding` says so; null when no output is kept (any more). */
  stdout: string | null
  /** The same for standard error. */
  stderr: string | null
  stdoutEncoding: OutputEncoding
  stderrEncoding: OutputEncoding
}

const commandSummaryShape = {
  id: commandIdSchema,
  sessionId: sessionIdSchema,
  userId: userIdSchema,
  kind: z.enum(['exec', 'shell']),
  command: z.string(),
  status: z.enum(COMMAND_STATUSES),
  exitCode: z.number().int().nullable(),
  signal: z.string().nullable(),
  errorCode: z.string().nullable(),
  stdoutBytes: z.number().int(),
  stderrBytes: z.number().int(),
  stdoutTruncated: z.boolean(),
  stderrTruncated: z.boolean(),
  killed: z.enum(['confirmed', 'unconfirmed']).nullable(),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  durationMs: z.number().nullable(),
  recordingId: recordingIdSchema.nullable(),
  recordingOffsetMs: z.number().int().nullable(),
}

export const outputEncodingSchema = z.enum(['utf8', 'base64'])

export const commandSummarySchema = z
  .object(commandSummaryShape)
  .meta({ id: 'CommandSummary' }) satisfies z.ZodType<CommandSummary>

export const commandSchema = z
  .object({
    ...commandSummaryShape,
    stdout: z.string().nullable(),
    stderr: z.string().nullable(),
    stdoutEncoding: outputEncodingSchema,
    stderrEncoding: outputEncodingSchema,
  })
  .meta({ id: 'Command' }) satisfies z.ZodType<Command>

/** How a command runs; everything may be left out. */
export interface ExecOptions {
  /**
   * Channel open to exit, milliseconds, 1 to `ssh.max_command_timeout`. Default `ssh.command_timeout`; what is started
   * or streamed has only the maximum.
   */
  timeoutMs?: number | undefined
  /** Sent to the command, which then sees end of file. Default: none. */
  stdin?: string | undefined
  /** How `stdin` is written; default `utf8`. */
  stdinEncoding?: OutputEncoding | undefined
  /** Bytes of each stream to keep for the answer, 0 to `limits.exec_output` (the default). */
  maxOutputBytes?: number | undefined
  /** Runs it in a terminal (PTY): all its output is standard output then, and it ends when its channel does. */
  pty?: TerminalOptions | undefined
  /** Chosen by the caller (UUIDv7) so that a retry finds the same command instead of running it twice. */
  commandId?: CommandId | undefined
}

/** What `sessions.execute` takes. */
export interface ExecuteInput extends ExecOptions {
  /** Sent verbatim to the login shell of the target; the caller quotes. At most 64 KiB, no NUL. */
  command: string
  /** Answer after this long with the command as it is then, 0 to 60,000; default: when it ends. */
  waitMs?: number | undefined
}

/** What `commands.start` takes. */
export interface StartCommandInput extends ExecOptions {
  sessionId: SessionId
  /** As in `ExecuteInput`. */
  command: string
  /** Leave standard input open for `commands.write`; default false. */
  stdinOpen?: boolean | undefined
  /**
   * The caller reads the output, with `commands.output` and from the start: the target waits until it does, up to a
   * minute, and none is kept for `commands.get`. Default false.
   */
  streamed?: boolean | undefined
}

export const waitMsSchema = z.number().int().min(0).max(60_000)

export const getCommandOptionsSchema = z.strictObject({ waitMs: waitMsSchema.optional() })

const execShape = {
  command: bodyText.min(1),
  timeoutMs: z.number().int().min(1).optional(),
  stdin: z.string().optional(),
  stdinEncoding: outputEncodingSchema.optional(),
  maxOutputBytes: z.number().int().min(0).optional(),
  pty: z.strictObject(terminalOptionsShape).optional(),
  commandId: commandIdSchema.optional(),
}

export const executeInputShape = { ...execShape, waitMs: waitMsSchema.optional() }
export const executeInputSchema = z.strictObject(executeInputShape) satisfies z.ZodType<ExecuteInput>

export const startCommandInputSchema = z.strictObject({
  sessionId: sessionIdSchema,
  ...execShape,
  stdinOpen: z.boolean().optional(),
  streamed: z.boolean().optional(),
}) satisfies z.ZodType<StartCommandInput>

/** Filters of `commands.list`, all of which must hold; default: everything that the caller may see. */
export interface CommandQuery extends PageQuery {
  sessionId?: SessionId | undefined
  /** Who started it. */
  userId?: UserId | undefined
  kind?: CommandKind | undefined
  status?: CommandStatus | undefined
  /** Part of the command text, any case, 1 to 256 characters. */
  search?: string | undefined
}

export const commandQueryShape = {
  userId: userIdSchema.optional(),
  kind: z.enum(['exec', 'shell']).optional(),
  status: z.enum(COMMAND_STATUSES).optional(),
  search: bodyText.min(1).max(256).optional(),
  ...pageQueryShape,
}

export const commandQuerySchema = z.strictObject({
  sessionId: sessionIdSchema.optional(),
  ...commandQueryShape,
}) satisfies z.ZodType<CommandQuery>

export const commandPageSchema = pageOf(commandSummarySchema) satisfies z.ZodType<Page<CommandSummary>>

/**
 * What `commands.output` yields. `offset` counts the bytes of both streams together, in the order in which
 * they arrived; `after` of a later call is the end of the last chunk: `offset + data.length`. A gap is from `fromOffset`
 * up to, but not including, `toOffset`.
 */
export type CommandOutputEvent =
  | { type: 'output'; stream: 'stdout' | 'stderr'; offset: number; data: Uint8Array }
  /** These bytes are no longer held: the reader was too slow or came too late. */
  | { type: 'gap'; fromOffset: number; toOffset: number }
  | { type: 'finished'; command: CommandSummary }
