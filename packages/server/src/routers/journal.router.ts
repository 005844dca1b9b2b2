import { chainVerificationSchema, journalPageSchema, journalQuerySchema } from '@krown/core'
import { type TRPCRouterRecord, tracked } from '@trpc/server'
import { z } from 'zod'
import { authedProcedure, streamProcedure } from '../trpc/init.js'
import { resumePoint, resumeShape } from '../trpc/resume.js'

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

  /** The id of each entry is its `seq`. */
  follow: streamProcedure.input(z.strictObject(resumeShape)).subscription(async function* ({
    ctx,
    input,
    signal,
  }) {
    const entries = ctx.client.journal.follow({ after: resumePoint(input), signal })
    for await (const entry of entries) yield tracked(String(entry.seq), entry)
  }),
} satisfies TRPCRouterRecord
