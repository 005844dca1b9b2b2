import { z } from 'zod'
import { type CommandSummary, outputEncodingSchema } from './command.js'
import type { ChannelId, CommandId, SessionId, UserId } from './ids.js'
import { commandIdSchema, sessionIdSchema, userIdSchema } from './ids-schema.js'
import { type TerminalOptions, type TerminalSize, terminalOptionsShape } from './terminal.js'

/** What `session.shell` takes. */
export interface ShellOptions extends TerminalOptions {
  /** Environment variables, at most 32; the target takes only those that its configuration names. */
  env?: Record<string, string> | undefined
  /** Chosen by the caller (UUIDv7) so that a retry finds the same shell instead of opening another. */
  commandId?: CommandId | undefined
}

/** What `channels.openShell` takes. */
export interface OpenShellInput extends ShellOptions {
  sessionId: SessionId
}

const environment = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'must be a name of a variable'),
    z
      .string()
      .max(1_024)
      .regex(/^[^\0]*$/, 'must not have NUL in it'),
  )
  .refine((env) => Object.keys(env).length <= 32, 'must be at most 32 variables')

export const shellOptionsShape = {
  ...terminalOptionsShape,
  env: environment.optional(),
  commandId: commandIdSchema.optional(),
}

export const shellOptionsSchema = z.strictObject(shellOptionsShape) satisfies z.ZodType<ShellOptions>

export const openShellInputSchema = z.strictObject({
  sessionId: sessionIdSchema,
  ...shellOptionsShape,
}) satisfies z.ZodType<OpenShellInput>

/** Signals that may be sent into a channel: RFC 4254 §6.10 names without SIG. */
export const CHANNEL_SIGNALS = ['INT', 'TERM', 'KILL', 'HUP', 'QUIT', 'USR1', 'USR2'] as const
/** One of `CHANNEL_SIGNALS`. */
export type ChannelSignal = (typeof CHANNEL_SIGNALS)[number]

export const channelSignalSchema = z.enum(CHANNEL_SIGNALS)

/** What runs in a session right now: a shell, or a command. It belongs to the session, not to who started it. */
export interface Channel {
  /** The same as of its row in the command log. */
  id: ChannelId
  sessionId: SessionId
  /** Who started it. */
  userId: UserId
  kind: 'exec' | 'shell'
  /** As it went to the login shell; empty of a shell. */
  command: string
  /** Null without one. */
  terminal: { term: string; columns: number; rows: number } | null
  startedAt: string
  /** Output that is held: from this offset up to, but not including, `end`. */
  heldFrom: number
  /** Bytes of output so far, both streams together. */
  end: number
  /** Who may type; null once its holder left and nobody took over. */
  keyboard: UserId | null
  /** Who is attached: the one who drives, if any, and those who watch. */
  attached: { userId: UserId; role: ChannelRole; since: string }[]
}

/**
 * A `driver` types, loses nothing and may hold the target back by reading slowly, for a minute at most; a `watcher`
 * only looks, and is told of gaps.
 */
export type ChannelRole = 'driver' | 'watcher'

const channelRoleSchema = z.enum(['driver', 'watcher'])

export const channelSchema = z
  .object({
    id: commandIdSchema,
    sessionId: sessionIdSchema,
    userId: userIdSchema,
    kind: z.enum(['exec', 'shell']),
    command: z.string(),
    terminal: z.object({ term: z.string(), columns: z.number().int(), rows: z.number().int() }).nullable(),
    startedAt: z.string(),
    heldFrom: z.number().int(),
    end: z.number().int(),
    keyboard: userIdSchema.nullable(),
    attached: z.array(z.object({ userId: userIdSchema, role: channelRoleSchema, since: z.string() })),
  })
  .meta({ id: 'Channel' }) satisfies z.ZodType<Channel>

export const channelsSchema = z.object({ items: z.array(channelSchema) })

/** How to attach to a channel; everything may be left out. */
export interface AttachOptions {
  /** Go on after this many bytes. Default: what is held (`Channel.heldFrom`). */
  offset?: number | undefined
  /**
   * `watcher` only looks. `driver`, the default, drives if nobody else does and the caller holds the keyboard, or
   * with `takeOver`; otherwise it watches: `ChannelHandle.role` tells.
   */
  role?: ChannelRole | undefined
  /** Take the keyboard from whoever has it, who watches from then on. */
  takeOver?: boolean | undefined
}

export const attachOptionsShape = {
  offset: z.number().int().min(0).optional(),
  role: channelRoleSchema.optional(),
  takeOver: z.boolean().optional(),
}

/** What an attached client gets. `offset` counts the bytes of both streams in the order of arrival. */
export type ChannelEvent =
  | { type: 'output'; stream: 'stdout' | 'stderr'; offset: number; data: Uint8Array }
  /** These bytes, up to but not including `toOffset`, are lost for this client. */
  | { type: 'gap'; fromOffset: number; toOffset: number }
  | ({ type: 'resized' } & TerminalSize)
  /** Who holds the keyboard now, and what this client is. */
  | { type: 'keyboard'; userId: UserId | null; role: ChannelRole }
  /** The last: how it ended. */
  | { type: 'closed'; command: CommandSummary }

export const channelInputSchema = z.strictObject({
  data: z.string(),
  encoding: outputEncodingSchema.optional(),
})

/** A client at a channel. Leaving it (`detach`, or ending the iteration) leaves the channel running. */
export interface ChannelHandle extends AsyncIterable<Uint8Array>, AsyncDisposable {
  readonly id: ChannelId
  /** As it was at attaching. */
  readonly channel: Channel
  readonly role: ChannelRole
  /** After the newest byte that was handed out: where to attach again. */
  readonly offset: number
  /** Everything that happens, output among it; the iterator of the handle itself gives the bytes alone. One of both, once. */
  events(): AsyncIterable<ChannelEvent>
  /**
   * Types: text as UTF-8; resolves when the target's flow window took it.
   *
   * @throws KrownError `CONFLICT` when somebody else holds the keyboard, or it has ended; `FORBIDDEN` when this caller
   * may only watch.
   */
  write(data: string | Uint8Array): Promise<void>
  /** End of file on its input. */
  endInput(): Promise<void>
  /** At most ten a second go out, the last one always does. */
  resize(size: TerminalSize): Promise<void>
  signal(signal: ChannelSignal): Promise<void>
  /** Takes the keyboard; who had it watches from then on. */
  takeOver(): Promise<void>
  /** Leaves; what runs goes on. */
  detach(): Promise<void>
  /** Ends what runs in it: HUP first. */
  close(): Promise<CommandSummary>
}
