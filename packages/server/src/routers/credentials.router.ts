import {
  createCredentialInputSchema,
  credentialIdSchema,
  credentialPageSchema,
  credentialQuerySchema,
  credentialSchema,
  updateCredentialInputShape,
} from '@krown/core'
import type { TRPCRouterRecord } from '@trpc/server'
import { z } from 'zod'
import { authedProcedure } from '../trpc/init.js'

const tags = ['credentials']
const one = z.strictObject({ credentialId: credentialIdSchema })

export const credentialsRouter = {
  list: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/credentials',
        tags,
        summary: 'List stored credentials',
        description: 'For administrators. What is secret in them is never told.',
      },
      rest: { errors: ['FORBIDDEN'] },
    })
    .input(credentialQuerySchema)
    .output(credentialPageSchema)
    .query(({ ctx, input }) => ctx.client.credentials.list(input)),

  create: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/credentials',
        tags,
        summary: 'Store a credential',
        description:
          'Of kind `password` with `password`, of kind `private_key` with `privateKey` and its `passphrase` if it has one. A private key that cannot be read is refused. The secret is encrypted, used for targets that name the credential, and never told again.',
      },
      rest: {
        status: 201,
        location: '/api/credentials/{id}',
        errors: ['FORBIDDEN', 'CONFLICT', 'QUOTA_EXCEEDED'],
      },
    })
    .input(createCredentialInputSchema)
    .output(credentialSchema)
    .mutation(({ ctx, input }) => ctx.client.credentials.create(input)),

  get: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/credentials/{credentialId}',
        tags,
        summary: 'Read a stored credential',
        description: 'Everything but the secret.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND'] },
    })
    .input(one)
    .output(credentialSchema)
    .query(({ ctx, input }) => ctx.client.credentials.get(input.credentialId)),

  update: authedProcedure
    .meta({
      openapi: {
        method: 'PATCH',
        path: '/api/credentials/{credentialId}',
        tags,
        summary: 'Rename a credential or replace its secret',
        description: 'The kind stays. Sessions that are opened from now on use the new secret.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT'] },
    })
    .input(z.strictObject({ credentialId: credentialIdSchema, ...updateCredentialInputShape }))
    .output(credentialSchema)
    .mutation(({ ctx, input: { credentialId, ...change } }) =>
      ctx.client.credentials.update(credentialId, change),
    ),

  delete: authedProcedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/api/credentials/{credentialId}',
        tags,
        summary: 'Delete a stored credential',
        description: 'Not while targets use it.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT'] },
    })
    .input(one)
    .output(credentialSchema)
    .mutation(({ ctx, input }) => ctx.client.credentials.delete(input.credentialId)),
} satisfies TRPCRouterRecord
