import {
  createTargetInputSchema,
  importTargetsInputSchema,
  targetIdSchema,
  targetImportSchema,
  targetPageSchema,
  targetQuerySchema,
  targetSchema,
  updateTargetInputShape,
} from '@krown/core'
import type { TRPCRouterRecord } from '@trpc/server'
import { z } from 'zod'
import { authedProcedure } from '../trpc/init.js'
import { MAX_IMPORT_BODY } from '../trpc/route-meta.js'

const tags = ['targets']
const one = z.strictObject({ targetId: targetIdSchema })

const CREATE_ERRORS = [
  'FORBIDDEN',
  'NOT_FOUND',
  'CONFLICT',
  'QUOTA_EXCEEDED',
  'TARGET_POLICY_DENIED',
  'HOST_KEY_UNKNOWN',
  'HOST_KEY_MISMATCH',
  'TARGET_AUTH_FAILED',
  'TARGET_UNREACHABLE',
  'TARGET_CHANNEL_REFUSED',
  'TARGET_PROTOCOL_ERROR',
  'TARGET_TIMEOUT',
]

export const targetsRouter = {
  list: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/targets',
        tags,
        summary: 'List targets',
        description: 'Operators see those that an access rule names; administrators and auditors all.',
      },
      rest: { errors: ['FORBIDDEN'] },
    })
    .input(targetQuerySchema)
    .output(targetPageSchema)
    .query(({ ctx, input }) => ctx.client.targets.list(input)),

  create: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/targets',
        tags,
        summary: 'Create a target',
        description:
          'Connects to it as far as its host key and pins that for the organization; `probe: false` connects to nothing, and what `hostKeyFingerprint` says is pinned. No credential is sent to it. When that fails, there is no target.',
      },
      rest: { status: 201, location: '/api/targets/{id}', errors: CREATE_ERRORS },
      waits: true,
    })
    .input(createTargetInputSchema)
    .output(targetSchema)
    .mutation(({ ctx, input }) => ctx.client.targets.create(input)),

  get: authedProcedure
    .meta({
      openapi: { method: 'GET', path: '/api/targets/{targetId}', tags, summary: 'Read a target' },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND'] },
    })
    .input(one)
    .output(targetSchema)
    .query(({ ctx, input }) => ctx.client.targets.get(input.targetId)),

  update: authedProcedure
    .meta({
      openapi: {
        method: 'PATCH',
        path: '/api/targets/{targetId}',
        tags,
        summary: 'Change a target',
        description:
          'What is left out stays. Host keys belong to host, port and jump host: with others there is none until one is pinned or trusted for it.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'TARGET_POLICY_DENIED'] },
    })
    .input(z.strictObject({ targetId: targetIdSchema, ...updateTargetInputShape }))
    .output(targetSchema)
    .mutation(({ ctx, input: { targetId, ...change } }) => ctx.client.targets.update(targetId, change)),

  import: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/targets/import',
        tags,
        summary: 'Import targets',
        description:
          'Makes the targets that are not there and changes those that are different, by their names; connects to none of them. With `dryRun` it only answers what it would do.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND', 'QUOTA_EXCEEDED'] },
      largeBody: { max: MAX_IMPORT_BODY, permission: 'target:manage' },
    })
    .input(importTargetsInputSchema)
    .output(targetImportSchema)
    .mutation(({ ctx, input }) => ctx.client.targets.import(input)),

  delete: authedProcedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/api/targets/{targetId}',
        tags,
        summary: 'Delete a target',
        description: 'Its sessions end within 5 seconds. Not while others are reached through it.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT'] },
    })
    .input(one)
    .output(targetSchema)
    .mutation(({ ctx, input }) => ctx.client.targets.delete(input.targetId)),
} satisfies TRPCRouterRecord
