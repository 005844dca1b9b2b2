import {
  createUserInputSchema,
  updateUserShape,
  userIdSchema,
  userPageSchema,
  userQuerySchema,
  userSchema,
} from '@krown/core'
import type { TRPCRouterRecord } from '@trpc/server'
import { z } from 'zod'
import { authedProcedure } from '../trpc/init.js'

const tags = ['users']

export const usersRouter = {
  list: authedProcedure
    .meta({
      openapi: { method: 'GET', path: '/api/users', tags, summary: 'List users' },
      rest: { errors: ['FORBIDDEN'] },
    })
    .input(userQuerySchema)
    .output(userPageSchema)
    .query(({ ctx, input }) => ctx.client.users.list(input)),

  create: authedProcedure
    .meta({
      openapi: { method: 'POST', path: '/api/users', tags, summary: 'Create a user' },
      rest: { status: 201, location: '/api/users/{id}', errors: ['FORBIDDEN', 'CONFLICT'] },
    })
    .input(createUserInputSchema)
    .output(userSchema)
    .mutation(({ ctx, input }) => ctx.client.users.create(input)),

  get: authedProcedure
    .meta({
      openapi: { method: 'GET', path: '/api/users/{userId}', tags, summary: 'Read a user' },
      rest: { errors: ['NOT_FOUND'] },
    })
    .input(z.strictObject({ userId: userIdSchema }))
    .output(userSchema)
    .query(({ ctx, input }) => ctx.client.users.get(input.userId)),

  update: authedProcedure
    .meta({
      openapi: {
        method: 'PATCH',
        path: '/api/users/{userId}',
        tags,
        summary: 'Change role, audit scope or disable',
        description: 'Takes effect within 5 seconds. The last administrator stays one.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT'] },
    })
    .input(z.strictObject({ userId: userIdSchema, ...updateUserShape }))
    .output(userSchema)
    .mutation(({ ctx, input: { userId, ...change } }) => ctx.client.users.update(userId, change)),
} satisfies TRPCRouterRecord
