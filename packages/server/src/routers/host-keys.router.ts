import {
  hostKeyIdSchema,
  hostKeyImportSchema,
  hostKeyPageSchema,
  hostKeyQuerySchema,
  hostKeySchema,
  importHostKeysInputSchema,
  pinHostKeyInputSchema,
  probedHostKeySchema,
  probeHostKeyInputSchema,
  retrustInputSchema,
  retrustSchema,
  updateHostKeyInputShape,
} from '@krown/core'
import type { TRPCRouterRecord } from '@trpc/server'
import { z } from 'zod'
import { authedProcedure } from '../trpc/init.js'
import { MAX_IMPORT_BODY } from '../trpc/route-meta.js'

const tags = ['host-keys']
const one = z.strictObject({ hostKeyId: hostKeyIdSchema })

export const hostKeysRouter = {
  list: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/host-keys',
        tags,
        summary: 'List known host keys',
        description:
          "The organization's and everybody's own for administrators and auditors; for operators what they pinned for themselves.",
      },
      rest: { errors: ['FORBIDDEN'] },
    })
    .input(hostKeyQuerySchema)
    .output(hostKeyPageSchema)
    .query(({ ctx, input }) => ctx.client.hostKeys.list(input)),

  create: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/host-keys',
        tags,
        summary: 'Pin or revoke a host key',
        description:
          'For the organization by administrators; with `scope` `user` for the caller alone. `replace` ends the trust in every other key of this host and scope. A key that is known already is answered as it is.',
      },
      rest: {
        status: 201,
        location: '/api/host-keys/{id}',
        errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'QUOTA_EXCEEDED'],
      },
    })
    .input(pinHostKeyInputSchema)
    .output(hostKeySchema)
    .mutation(({ ctx, input }) => ctx.client.hostKeys.create(input)),

  probe: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/host-keys/probe',
        tags,
        summary: 'Look at the key that a host shows',
        description:
          'Connects as far as the host key, under the outbound policy, and pins nothing. A host that is no target is an ad hoc one, for administrators too. By way of a jump host for administrators only.',
      },
      rest: {
        errors: [
          'FORBIDDEN',
          'NOT_FOUND',
          'CONFLICT',
          'TARGET_POLICY_DENIED',
          'TARGET_UNREACHABLE',
          'TARGET_TIMEOUT',
          'TARGET_PROTOCOL_ERROR',
          'TARGET_AUTH_FAILED',
          'TARGET_CHANNEL_REFUSED',
          'HOST_KEY_UNKNOWN',
          'HOST_KEY_MISMATCH',
        ],
      },
      waits: true,
    })
    .input(probeHostKeyInputSchema)
    .output(probedHostKeySchema)
    .mutation(({ ctx, input }) => ctx.client.hostKeys.probe(input)),

  import: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/host-keys/import',
        tags,
        summary: 'Import a known_hosts file',
        description:
          'For administrators. Names become pins of the organization, patterns and hashed names that fit no target are kept as they are. A line that cannot be used is skipped, and doing it twice changes nothing.',
      },
      rest: { errors: ['FORBIDDEN', 'QUOTA_EXCEEDED'] },
      largeBody: { max: MAX_IMPORT_BODY, permission: 'hostkey:manage' },
    })
    .input(importHostKeysInputSchema)
    .output(hostKeyImportSchema)
    .mutation(({ ctx, input }) => ctx.client.hostKeys.import(input)),

  retrust: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/host-keys/retrust',
        tags,
        summary: 'Trust rebuilt targets anew',
        description:
          'For administrators. Looks at each target and trusts the key that it shows instead of those that were pinned, jump hosts before what is behind them. It takes at most two minutes, and ends when the client goes; what was trusted until then stays so. Whoever is in between at that moment is trusted from then on: look at the dry run first.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND'] },
      waits: true,
    })
    .input(retrustInputSchema)
    .output(retrustSchema)
    .mutation(({ ctx, input, signal }) => ctx.client.hostKeys.retrust(input, { signal })),

  get: authedProcedure
    .meta({
      openapi: { method: 'GET', path: '/api/host-keys/{hostKeyId}', tags, summary: 'Read a known host key' },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND'] },
    })
    .input(one)
    .output(hostKeySchema)
    .query(({ ctx, input }) => ctx.client.hostKeys.get(input.hostKeyId)),

  update: authedProcedure
    .meta({
      openapi: {
        method: 'PATCH',
        path: '/api/host-keys/{hostKeyId}',
        tags,
        summary: 'Revoke a host key, or trust it again',
        description: 'A revoked key is refused wherever the host shows it, in every policy.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'QUOTA_EXCEEDED'] },
    })
    .input(z.strictObject({ hostKeyId: hostKeyIdSchema, ...updateHostKeyInputShape }))
    .output(hostKeySchema)
    .mutation(({ ctx, input: { hostKeyId, ...change } }) => ctx.client.hostKeys.update(hostKeyId, change)),

  delete: authedProcedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/api/host-keys/{hostKeyId}',
        tags,
        summary: 'Forget a host key',
        description: 'Answers with what it was.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND'] },
    })
    .input(one)
    .output(hostKeySchema)
    .mutation(({ ctx, input }) => ctx.client.hostKeys.delete(input.hostKeyId)),
} satisfies TRPCRouterRecord
