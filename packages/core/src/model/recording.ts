import { z } from 'zod'
import type { CommandId, OrgId, RecordingId, SessionId, UserId } from './ids.js'
import {
  commandIdSchema,
  orgIdSchema,
  recordingIdSchema,
  sessionIdSchema,
  userIdSchema,
} from './ids-schema.js'
import { type Page, type PageQuery, pageOf, pageQueryShape } from './page.js'

export const RECORDING_KINDS = ['session', 'terminal'] as const
/** `session`: what all commands without a terminal print in one session; `terminal`: one shell, or one command in a terminal. */
export type RecordingKind = (typeof RECORDING_KINDS)[number]

export const RECORDING_STATUSES = ['recording', 'closed', 'incomplete', 'deleted'] as const
/**
 * `incomplete`: the recorder was killed or could not go on; what there is can be played. `deleted`: file and key are
 * destroyed, and this is all that is left.
 */
export type RecordingStatus = (typeof RECORDING_STATUSES)[number]

/** A recording, without its content. Times are ISO 8601 in UTC with milliseconds. */
export interface Recording {
  id: RecordingId
  orgId: OrgId
  sessionId: SessionId
  /** Who opened the session, or started what runs in the terminal. */
  userId: UserId
  kind: RecordingKind
  /** What ran in the terminal; null of a session. */
  commandId: CommandId | null
  status: RecordingStatus
  startedAt: string
  /** Null while it is recorded. */
  endedAt: string | null
  /** By the monotonic clock, milliseconds; null while it is recorded and when nobody measured it. */
  durationMs: number | null
  /** Of the file; null while it is recorded and when nobody measured it. */
  fileBytes: number | null
  /** Of what is in it: the plain of all frames, one after the other. Null unless `sha256` is known. */
  plainBytes: number | null
  /** SHA-256 of the same, hexadecimal, as it was journaled at closing; null of what was not closed in order. */
  sha256: string | null
  /** Bytes of output that went by unrecorded; only with `recordings.mode` `best-effort`. */
  lostBytes: number
  /** Null unless it was deleted. */
  deletedAt: string | null
}

export const recordingSchema = z
  .object({
    id: recordingIdSchema,
    orgId: orgIdSchema,
    sessionId: sessionIdSchema,
    userId: userIdSchema,
    kind: z.enum(RECORDING_KINDS),
    commandId: commandIdSchema.nullable(),
    status: z.enum(RECORDING_STATUSES),
    startedAt: z.string(),
    endedAt: z.string().nullable(),
    durationMs: z.number().int().nullable(),
    fileBytes: z.number().int().nullable(),
    plainBytes: z.number().int().nullable(),
    sha256: z.string().nullable(),
    lostBytes: z.number().int(),
    deletedAt: z.string().nullable(),
  })
  .meta({ id: 'Recording' }) satisfies z.ZodType<Recording>

/** Filters of `recordings.list`, all of which must hold; default: everything that the caller may see. */
export interface RecordingQuery extends PageQuery {
  sessionId?: SessionId | undefined
  userId?: UserId | undefined
  kind?: RecordingKind | undefined
  status?: RecordingStatus | undefined
}

export const recordingQueryShape = {
  sessionId: sessionIdSchema.optional(),
  userId: userIdSchema.optional(),
  kind: z.enum(RECORDING_KINDS).optional(),
  status: z.enum(RECORDING_STATUSES).optional(),
  ...pageQueryShape,
}

export const recordingQuerySchema = z.strictObject(recordingQueryShape) satisfies z.ZodType<RecordingQuery>

export const recordingPageSchema = pageOf(recordingSchema) satisfies z.ZodType<Page<Recording>>
