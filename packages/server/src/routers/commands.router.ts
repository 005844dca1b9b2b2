import {
  commandIdSchema,
  commandPageSchema,
  commandQuerySchema,
  commandSchema,
  startCommandInputSchema,
  waitMsSchema,
} from '@krown/core'
import { type TRPCRouterRecord, tracked } from '@trpc/server'
import { z } from 'zod'
import { toOutputMessages } from '../trpc/command-output.js'
import { requireSocket } from '../trpc/context.js'
import { authedProcedure, streamProcedure } from '../trpc/init.js'
import { resumePoint, resumeShape } from '../trpc/resume.js'
import { SocketCarrier } from '../trpc/socket-carrier.js'
import { bytesShape, toBytes } from '../trpc/wire-bytes.js'

const tags = ['commands']
const oneCommand = z.strictObject({ commandId: commandIdSchema })

export const commandsRouter = {
  list: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/commands',
        tags,
        summary: 'List commands',
        description: 'Without their output.',
      },
    })
    .input(commandQuerySchema)
    .output(commandPageSchema)
    .query(({ ctx, input }) => ctx.client.commands.list(input)),

  get: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/commands/{commandId}',
        tags,
        summary: 'Read a command',
        description: 'With `waitMs` it waits that long for the command to end, then answers as it is.',
      },
      rest: { errors: ['NOT_FOUND'] },
      waits: true,
    })
    .input(z.strictObject({ commandId: commandIdSchema, waitMs: waitMsSchema.optional() }))
    .output(commandSchema)
    .query(({ ctx, input: { commandId, ...options }, signal }) =>
      ctx.client.commands.get(commandId, { ...options, signal }),
    ),

  cancel: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/commands/{commandId}/cancel',
        tags,
        summary: 'Cancel a command',
        description:
          'Sends TERM, after a grace KILL, and answers when the command ended. Cancelling what has ended is fine.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND'] },
      waits: true,
    })
    .input(oneCommand)
    .output(commandSchema)
    .mutation(({ ctx, input }) => ctx.client.commands.cancel(input.commandId)),

  start: authedProcedure
    .meta({ waits: true })
    .input(startCommandInputSchema)
    .output(commandSchema)
    .mutation(({ ctx, input }) => ctx.client.commands.start(input)),

  write: authedProcedure
    .meta({ waits: true })
    .input(z.strictObject({ commandId: commandIdSchema, ...bytesShape }))
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.client.commands.write(input.commandId, toBytes(input))),

  closeStdin: authedProcedure
    .input(oneCommand)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.client.commands.closeStdin(input.commandId)),

  output: streamProcedure
    .input(z.strictObject({ commandId: commandIdSchema, ...resumeShape }))
    .subscription(async function* ({ ctx, input, signal }) {
      const after = resumePoint(input)
      const carrier = new SocketCarrier(requireSocket(ctx.call), after ?? 0)
      const events = ctx.client.commands.output(input.commandId, { after, signal, carrier })
      for await (const [message, end] of toOutputMessages(events)) {
        yield tracked(String(end), message)
        // The next one is asked for when this one was written.
        carrier.sent(end)
      }
    }),
} satisfies TRPCRouterRecord
