import { z } from 'zod'
import {
  type CommandSummary,
  commandSummarySchema,
  type OutputEncoding,
  outputEncodingSchema,
} from './command.js'
import type { CommandId, SessionId } from './ids.js'
import { commandIdSchema, sessionIdSchema } from './ids-schema.js'
import { type Session, sessionSchema } from './session.js'

/**
 * What happens in a session, as it travels: plain JSON, with output as text or base64.
 *
 * `seq` counts the events of one session: 1, 2, 3, … A reader that goes on after the last `seq` it saw misses nothing
 * and gets nothing twice, or is told by a `gap`. Numbers that are left out without a gap are events that this reader
 * may not see or did not ask for.
 */
export type SessionEvent =
  | SessionStatusEvent
  | CommandStartedEvent
  | CommandOutputPieceEvent
  | CommandFinishedEvent
  | SessionGapEvent

/** The session as it is from here on. Of a session that ended it is the last event. */
export interface SessionStatusEvent {
  type: 'session_status'
  sessionId: SessionId
  seq: number
  session: Session
}

/** The intent to run it is on record; nothing was sent before. */
export interface CommandStartedEvent {
  type: 'command_started'
  sessionId: SessionId
  seq: number
  command: CommandSummary
}

/** A piece of one stream: at most 8 KiB, cut between characters. */
export interface CommandOutputPieceEvent {
  type: 'command_output'
  sessionId: SessionId
  seq: number
  commandId: CommandId
  stream: 'stdout' | 'stderr'
  /** Text, or base64 where the piece is not UTF-8; `encoding` tells. */
  data: string
  encoding: OutputEncoding
  /** Position of the first byte, counted over both streams in the order of arrival. */
  offset: number
}

/** Its result is on record, or waits for the journal (`errorCode` is `AUDIT_UNAVAILABLE`). */
export interface CommandFinishedEvent {
  type: 'command_finished'
  sessionId: SessionId
  seq: number
  command: CommandSummary
}

/**
 * Events are lost: the reader was too slow or came too late. Reading goes on after `toSeq`, which `seq` repeats.
 *
 * With `commandId` only output of this command is lost: its bytes `fromOffset` up to, but not including, `toOffset`.
 * In the stream of everything `sessionId` is null and the numbers are 0: nobody knows which sessions' events are lost.
 */
export interface SessionGapEvent {
  type: 'gap'
  sessionId: SessionId | null
  seq: number
  fromSeq: number
  toSeq: number
  commandId?: CommandId | undefined
  fromOffset?: number | undefined
  toOffset?: number | undefined
}

const seqSchema = z.number().int().min(0)
const eventShape = { sessionId: sessionIdSchema, seq: seqSchema }

export const sessionEventSchema = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('session_status'), ...eventShape, session: sessionSchema }),
    z.object({ type: z.literal('command_started'), ...eventShape, command: commandSummarySchema }),
    z.object({
      type: z.literal('command_output'),
      ...eventShape,
      commandId: commandIdSchema,
      stream: z.enum(['stdout', 'stderr']),
      data: z.string(),
      encoding: outputEncodingSchema,
      offset: z.number().int(),
    }),
    z.object({ type: z.literal('command_finished'), ...eventShape, command: commandSummarySchema }),
    z.object({
      type: z.literal('gap'),
      sessionId: sessionIdSchema.nullable(),
      seq: seqSchema,
      fromSeq: seqSchema,
      toSeq: seqSchema,
      commandId: commandIdSchema.optional(),
      fromOffset: z.number().int().optional(),
      toOffset: z.number().int().optional(),
    }),
  ])
  .meta({ id: 'SessionEvent' }) satisfies z.ZodType<SessionEvent>

/** Which events: of one session, or, without `sessionId`, of everything the caller may see. */
export interface SessionEventsQuery {
  sessionId?: SessionId | undefined
  /** Go on after this `seq`; 0 asks for all that is held. Only with `sessionId`. Default: from now on. */
  after?: number | undefined
  /** With `command_output`. Default true for one session; the stream of everything has none. */
  output?: boolean | undefined
}

/** What `sessions.events` takes. */
export interface SessionEventsOptions extends SessionEventsQuery {
  /** Ends the reading: it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

export const sessionEventsQueryShape = {
  sessionId: sessionIdSchema.optional(),
  after: seqSchema.optional(),
  output: z.boolean().optional(),
}

export const sessionEventsQuerySchema = z
  .strictObject(sessionEventsQueryShape)
  .superRefine(refineSessionEventsQuery) satisfies z.ZodType<SessionEventsQuery>

/** The stream of everything has no numbers to go on after, and no output. */
export function refineSessionEventsQuery(
  { sessionId, after, output }: SessionEventsQuery,
  context: z.RefinementCtx,
): void {
  const report = (field: string) =>
    context.addIssue({ code: 'custom', path: [field], message: 'needs a sessionId' })
  if (sessionId !== undefined) return
  if (after !== undefined) report('after')
  if (output) report('output')
}
