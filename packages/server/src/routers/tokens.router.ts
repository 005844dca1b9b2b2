import {
  apiTokenIdSchema,
  apiTokenPageSchema,
  apiTokenQuerySchema,
  apiTokenSchema,
  createApiTokenInputSchema,
  newApiTokenSchema,
} from '@krown/core'
import type { TRPCRouterRecord } from '@trpc/server'
import { z } from 'zod'
import { authedProcedure } from '../trpc/init.js'

const tags = ['tokens']

export const tokensRouter = {
  list: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/tokens',
        tags,
        summary: 'List your API tokens',
        description: 'Revoked and expired ones too.',
      },
      rest: { errors: ['FORBIDDEN'] },
    })
    .input(apiTokenQuerySchema)
    .output(apiTokenPageSchema)
    .query(({ ctx, input }) => ctx.client.tokens.list(input)),

  create: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/tokens',
        tags,
        summary: 'Create an API token',
        description:
          'The answer is the only place where `token` is told. It goes into `Authorization: Bearer …`, like an access token, and may do what both its scopes and its owner may. Left out, `scopes` are all of them, and `expiresAt` is in 90 days; null is never.',
      },
      rest: { status: 201, errors: ['FORBIDDEN', 'QUOTA_EXCEEDED'] },
    })
    .input(createApiTokenInputSchema)
    .output(newApiTokenSchema)
    .mutation(({ ctx, input }) => ctx.client.tokens.create(input)),

  revoke: authedProcedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/api/tokens/{tokenId}',
        tags,
        summary: 'Revoke an API token',
        description: 'It stops working within 5 seconds. Revoking twice is fine.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND'] },
    })
    .input(z.strictObject({ tokenId: apiTokenIdSchema }))
    .output(apiTokenSchema)
    .mutation(({ ctx, input }) => ctx.client.tokens.revoke(input.tokenId)),
} satisfies TRPCRouterRecord
