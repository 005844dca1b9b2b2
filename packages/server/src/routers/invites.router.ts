import {
  createInviteInputSchema,
  inviteIdSchema,
  invitePageSchema,
  inviteQuerySchema,
  inviteSchema,
  newInviteSchema,
} from '@krown/core'
import type { TRPCRouterRecord } from '@trpc/server'
import { z } from 'zod'
import { authedProcedure } from '../trpc/init.js'

const tags = ['invites']

export const invitesRouter = {
  list: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/invites',
        tags,
        summary: 'List invites',
        description: 'Used, expired and revoked ones too, for 30 days.',
      },
      rest: { errors: ['FORBIDDEN'] },
    })
    .input(inviteQuerySchema)
    .output(invitePageSchema)
    .query(({ ctx, input }) => ctx.client.invites.list(input)),

  create: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/invites',
        tags,
        summary: 'Invite somebody',
        description:
          'The answer is the only place where `token` is told: whoever registers with it as `inviteToken` becomes what `role` says. It is good once, and for 7 days unless `expiresAt` says otherwise.',
      },
      rest: { status: 201, errors: ['FORBIDDEN', 'QUOTA_EXCEEDED'] },
    })
    .input(createInviteInputSchema)
    .output(newInviteSchema)
    .mutation(({ ctx, input }) => ctx.client.invites.create(input)),

  revoke: authedProcedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/api/invites/{inviteId}',
        tags,
        summary: 'Revoke an invite',
        description: 'Revoking twice is fine.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT'] },
    })
    .input(z.strictObject({ inviteId: inviteIdSchema }))
    .output(inviteSchema)
    .mutation(({ ctx, input }) => ctx.client.invites.revoke(input.inviteId)),
} satisfies TRPCRouterRecord
