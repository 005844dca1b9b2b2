import { chainVerificationSchema, journalPageSchema, journalQuerySchema } from '@krown/core'
import type { TRPCRouterRecord } from '@trpc/server'
import { authedProcedure } from '../trpc/init.js'

const tags = ['journal']

export const journalRouter = {
  list: authedProcedure
    .meta({
      openapi: { method: 'GET', path: '/api/journal', tags, summary: 'Read the journal' },
      rest: { errors: ['FORBIDDEN'] },
    })
    .input(journalQuerySchema)
    .output(journalPageSchema)
    .query(({ ctx, input }) => ctx.client.journal.list(input)),

  verify: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/journal/verify',
        tags,
        summary: 'Verify the journal',
        description: "Recomputes the organization's whole hash chain and names the first break.",
      },
      rest: { errors: ['FORBIDDEN'] },
    })
    .output(chainVerificationSchema)
    .mutation(({ ctx }) => ctx.client.journal.verify()),
} satisfies TRPCRouterRecord
