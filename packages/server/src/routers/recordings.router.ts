import {
  downloadRecordingShape,
  recordingIdSchema,
  recordingPageSchema,
  recordingQuerySchema,
  recordingSchema,
  recordingTicketSchema,
} from '@krown/core'
import type { TRPCRouterRecord } from '@trpc/server'
import { z } from 'zod'
import { authedProcedure } from '../trpc/init.js'

const tags = ['recordings']
const oneRecording = z.strictObject({ recordingId: recordingIdSchema })

export const recordingsRouter = {
  list: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/recordings',
        tags,
        summary: 'List recordings',
        description: 'Newest first; those that go on and those that were deleted too.',
      },
    })
    .input(recordingQuerySchema)
    .output(recordingPageSchema)
    .query(({ ctx, input }) => ctx.client.recordings.list(input)),

  get: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/recordings/{recordingId}',
        tags,
        summary: 'Read what is known of a recording',
      },
      rest: { errors: ['NOT_FOUND'] },
    })
    .input(oneRecording)
    .output(recordingSchema)
    .query(({ ctx, input }) => ctx.client.recordings.get(input.recordingId)),

  delete: authedProcedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/api/recordings/{recordingId}',
        tags,
        summary: 'Delete a recording',
        description:
          'Destroys its file and key; what is known of it stays, and so does its digest in the journal. Not while it is recorded.',
      },
      rest: { errors: ['NOT_FOUND', 'CONFLICT', 'AUDIT_UNAVAILABLE'] },
    })
    .input(oneRecording)
    .output(recordingSchema)
    .mutation(({ ctx, input }) => ctx.client.recordings.delete(input.recordingId)),

  createTicket: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/recordings/{recordingId}/tickets',
        tags,
        summary: 'Make a ticket for one download',
        description:
          'For links, which can bring no header: good once, within a minute, for this recording and this format, as `ticket` in the query of the download.',
      },
      rest: { status: 201, errors: ['NOT_FOUND'] },
    })
    .input(oneRecording.extend({ format: downloadRecordingShape.format }))
    .output(recordingTicketSchema)
    .mutation(({ ctx, input: { recordingId, format } }) =>
      ctx.client.recordings.createTicket(recordingId, { format }),
    ),
} satisfies TRPCRouterRecord
