import {
  channelSchema,
  channelSignalSchema,
  channelsSchema,
  commandIdSchema,
  commandSummarySchema,
  openShellInputSchema,
  sessionIdSchema,
  terminalSizeShape,
} from '@krown/core'
import type { TRPCRouterRecord } from '@trpc/server'
import { z } from 'zod'
import { authedProcedure } from '../trpc/init.js'
import { bytesShape, toBytes } from '../trpc/wire-bytes.js'

const tags = ['channels']
const channelShape = { channelId: commandIdSchema }
const oneChannel = z.strictObject(channelShape)

const OPEN_ERRORS = [
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
const KEYBOARD_ERRORS = ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'AUDIT_UNAVAILABLE']

export const channelsRouter = {
  openShell: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/sessions/{sessionId}/shells',
        tags,
        summary: 'Open a shell',
        description:
          'Answers when it runs; the caller holds its keyboard. What it prints is read over a WebSocket. Repeating a request with the same `commandId` never opens another.',
      },
      rest: { status: 201, location: '/api/channels/{id}', errors: OPEN_ERRORS },
      waits: true,
    })
    .input(openShellInputSchema)
    .output(channelSchema)
    .mutation(({ ctx, input }) => ctx.client.channels.openShell(input)),

  list: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/sessions/{sessionId}/channels',
        tags,
        summary: 'List what runs in a session',
        description: 'Shells and commands that have not ended, oldest first; never more than a page.',
      },
      rest: { errors: ['NOT_FOUND'] },
    })
    .input(z.strictObject({ sessionId: sessionIdSchema }))
    .output(channelsSchema)
    .query(async ({ ctx, input }) => ({ items: await ctx.client.channels.list(input.sessionId) })),

  get: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/channels/{channelId}',
        tags,
        summary: 'Read a channel',
        description: 'One that has ended is not found; its command is.',
      },
      rest: { errors: ['NOT_FOUND', 'UNAVAILABLE'] },
    })
    .input(oneChannel)
    .output(channelSchema)
    .query(({ ctx, input }) => ctx.client.channels.get(input.channelId)),

  write: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/channels/{channelId}/input',
        tags,
        summary: 'Type into a channel',
        description: 'For whoever holds its keyboard; answers when the target took it.',
      },
      rest: { status: 204, errors: KEYBOARD_ERRORS },
      waits: true,
    })
    .input(z.strictObject({ ...channelShape, ...bytesShape }))
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.client.channels.write(input.channelId, toBytes(input))),

  resize: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/channels/{channelId}/resize',
        tags,
        summary: 'Resize the terminal of a channel',
        description:
          'Sides from 1 to 1000; what is outside is taken as the nearest. At most ten a second go out.',
      },
      rest: { status: 204, errors: KEYBOARD_ERRORS },
    })
    .input(z.strictObject({ ...channelShape, ...terminalSizeShape }))
    .output(z.void())
    .mutation(({ ctx, input: { channelId, ...size } }) => ctx.client.channels.resize(channelId, size)),

  signal: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/channels/{channelId}/signal',
        tags,
        summary: 'Send a signal into a channel',
      },
      rest: { status: 204, errors: KEYBOARD_ERRORS },
    })
    .input(z.strictObject({ ...channelShape, signal: channelSignalSchema }))
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.client.channels.signal(input.channelId, input.signal)),

  takeOver: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/channels/{channelId}/take-over',
        tags,
        summary: 'Take over the keyboard of a channel',
        description: 'Whoever had it watches from then on.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND', 'AUDIT_UNAVAILABLE'] },
    })
    .input(oneChannel)
    .output(channelSchema)
    .mutation(({ ctx, input }) => ctx.client.channels.takeOver(input.channelId)),

  close: authedProcedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/api/channels/{channelId}',
        tags,
        summary: 'End what runs in a channel',
        description: 'Answers with its command when it ended. Ending what has ended is fine.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND'] },
      waits: true,
    })
    .input(oneChannel)
    .output(commandSummarySchema)
    .mutation(({ ctx, input }) => ctx.client.channels.close(input.channelId)),
} satisfies TRPCRouterRecord
