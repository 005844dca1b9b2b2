import {
  commandPageSchema,
  commandQueryShape,
  commandSchema,
  executeInputShape,
  openSessionInputSchema,
  type SessionEvent,
  sessionEventsQueryShape,
  sessionIdSchema,
  sessionPageSchema,
  sessionQuerySchema,
  sessionSchema,
} from '@krown/core'
import { type TRPCRouterRecord, tracked } from '@trpc/server'
import { z } from 'zod'
import { authedProcedure, streamProcedure } from '../trpc/init.js'
import { resumePoint, resumeShape } from '../trpc/resume.js'

const tags = ['sessions']
const oneSession = z.strictObject({ sessionId: sessionIdSchema })

const OPEN_ERRORS = [
  'FORBIDDEN',
  'NOT_FOUND',
  'CONFLICT',
  'TARGET_POLICY_DENIED',
  'HOST_KEY_UNKNOWN',
  'HOST_KEY_MISMATCH',
  'TARGET_AUTH_FAILED',
  'QUOTA_EXCEEDED',
  'TARGET_UNREACHABLE',
  'TARGET_CHANNEL_REFUSED',
  'TARGET_PROTOCOL_ERROR',
  'TARGET_TIMEOUT',
  'AUDIT_UNAVAILABLE',
]

const EXECUTE_ERRORS = [
  'FORBIDDEN',
  'NOT_FOUND',
  'CONFLICT',
  'SESSION_NOT_CONNECTED',
  'SESSION_LOST',
  'QUOTA_EXCEEDED',
  'TARGET_CHANNEL_REFUSED',
  'TARGET_TIMEOUT',
  'AUDIT_UNAVAILABLE',
]

const EVERYTHING_LOST: SessionEvent = { type: 'gap', sessionId: null, seq: 0, fromSeq: 0, toSeq: 0 }

export const sessionsRouter = {
  list: authedProcedure
    .meta({ openapi: { method: 'GET', path: '/api/sessions', tags, summary: 'List sessions' } })
    .input(sessionQuerySchema)
    .output(sessionPageSchema)
    .query(({ ctx, input }) => ctx.client.sessions.list(input)),

  open: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/sessions',
        tags,
        summary: 'Open a session',
        description:
          'Connects to a target of the inventory, by `targetId` or `targetName`, or else to `host`, and answers when it is connected. `auth` is used once and kept nowhere; with it the credential of a target is not touched. When it fails after the session was recorded, `details.sessionId` names it.',
      },
      rest: { status: 201, location: '/api/sessions/{id}', errors: OPEN_ERRORS },
      waits: true,
    })
    .input(openSessionInputSchema)
    .output(sessionSchema)
    .mutation(async ({ ctx, input }) => (await ctx.client.sessions.open(input)).session),

  get: authedProcedure
    .meta({
      openapi: { method: 'GET', path: '/api/sessions/{sessionId}', tags, summary: 'Read a session' },
      rest: { errors: ['NOT_FOUND'] },
    })
    .input(oneSession)
    .output(sessionSchema)
    .query(({ ctx, input }) => ctx.client.sessions.get(input.sessionId)),

  close: authedProcedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/api/sessions/{sessionId}',
        tags,
        summary: 'Close a session',
        description: 'Closing one that is closed already is fine.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND'] },
      waits: true,
    })
    .input(oneSession)
    .output(sessionSchema)
    .mutation(({ ctx, input }) => ctx.client.sessions.close(input.sessionId)),

  execute: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/sessions/{sessionId}/execute',
        tags,
        summary: 'Run a command',
        description:
          'Answers with the command when it ended, whatever its exit code; with 202 when it still runs after `waitMs`. An error means that nothing ran. Repeating a request with the same `commandId` never runs it twice.',
      },
      rest: {
        pending: { status: 'running', location: '/api/commands/{id}' },
        errors: EXECUTE_ERRORS,
      },
      waits: true,
    })
    .input(z.strictObject({ sessionId: sessionIdSchema, ...executeInputShape }))
    .output(commandSchema)
    .mutation(({ ctx, input: { sessionId, ...command }, signal }) =>
      ctx.client.sessions.execute(sessionId, command, { signal }),
    ),

  commands: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/sessions/{sessionId}/commands',
        tags,
        summary: 'List the commands of a session',
      },
      rest: { errors: ['NOT_FOUND'] },
    })
    .input(z.strictObject({ sessionId: sessionIdSchema, ...commandQueryShape }))
    .output(commandPageSchema)
    .query(({ ctx, input }) => ctx.client.commands.list(input)),

  /** The id of each event is its `seq`, so that one session's events can be resumed. */
  events: streamProcedure
    .input(z.strictObject({ ...sessionEventsQueryShape, ...resumeShape }))
    .subscription(async function* ({ ctx, input: { lastEventId, ...query }, signal }) {
      const isLiveOnly = query.sessionId === undefined
      // The stream of everything has no place to go on from: whatever happened meanwhile is lost.
      if (isLiveOnly && lastEventId !== undefined) yield tracked('0', EVERYTHING_LOST)
      const after = isLiveOnly ? query.after : resumePoint({ after: query.after, lastEventId })
      const events = ctx.client.sessions.events({ ...query, after, signal })
      for await (const event of events) yield tracked(String(event.seq), event)
    }),
} satisfies TRPCRouterRecord
