import { loginIdSchema, loginPageSchema, loginQuerySchema } from '@krown/core'
import type { TRPCRouterRecord } from '@trpc/server'
import { z } from 'zod'
import { authedProcedure } from '../trpc/init.js'

const tags = ['auth']

export const loginsRouter = {
  list: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/auth/logins',
        tags,
        summary: 'Where you are signed in',
      },
      rest: { errors: ['FORBIDDEN'] },
    })
    .input(loginQuerySchema)
    .output(loginPageSchema)
    .query(({ ctx, input }) => ctx.client.logins.list(input)),

  end: authedProcedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/api/auth/logins/{loginId}',
        tags,
        summary: 'Sign out somewhere else',
        description: 'Its tokens stop working within 5 seconds. Ending what has ended is fine.',
      },
      rest: { status: 204, errors: ['FORBIDDEN', 'NOT_FOUND'] },
    })
    .input(z.strictObject({ loginId: loginIdSchema }))
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.client.logins.end(input.loginId)),
} satisfies TRPCRouterRecord
