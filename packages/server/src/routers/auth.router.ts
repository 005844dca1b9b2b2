import {
  changePasswordInputSchema,
  loginInputSchema,
  loginResultSchema,
  refreshInputSchema,
  registerInputSchema,
  userSchema,
} from '@krown/core'
import type { TRPCRouterRecord } from '@trpc/server'
import { z } from 'zod'
import { requireSocket } from '../trpc/context.js'
import { authedProcedure, publicProcedure } from '../trpc/init.js'

const tags = ['auth']

export const authRouter = {
  register: publicProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/auth/register',
        tags,
        summary: 'Register',
        description:
          'Makes a user with the role `readonly`, or with what `inviteToken` says. With the setup token, once, it makes the first administrator.',
        protect: false,
      },
      rest: { status: 201, location: '/api/users/{id}', errors: ['CONFLICT', 'FORBIDDEN', 'RATE_LIMITED'] },
    })
    .input(registerInputSchema)
    .output(userSchema)
    .mutation(({ ctx, input }) => ctx.krown.auth.register(input, ctx.origin)),

  login: publicProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/auth/login',
        tags,
        summary: 'Sign in',
        description:
          'Give `accessToken` as `Authorization: Bearer …`; it lives for `expiresIn` seconds. With `refresh: "cookie"` the refresh token is in a cookie that only `/api/auth/refresh` gets, and null in the answer.',
        protect: false,
      },
      rest: { errors: ['UNAUTHENTICATED', 'RATE_LIMITED'], cookie: 'start' },
    })
    .input(loginInputSchema)
    .output(loginResultSchema)
    .mutation(({ ctx, input }) => ctx.krown.auth.login(input, ctx.origin)),

  refresh: publicProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/auth/refresh',
        tags,
        summary: 'Get new tokens',
        description:
          'Each refresh token is for one use. Repeating it within 10 seconds gives the same answer; later it ends the login. Without a body the cookie of a login with `refresh: "cookie"` is taken, from pages of the server itself and of `server.cors_origins`.',
        protect: false,
      },
      rest: { errors: ['UNAUTHENTICATED', 'FORBIDDEN', 'RATE_LIMITED'], cookie: 'renew' },
    })
    .input(refreshInputSchema)
    .output(loginResultSchema)
    .mutation(({ ctx, input }) => ctx.krown.auth.refresh(input, ctx.origin)),

  logout: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/auth/logout',
        tags,
        summary: 'Sign out',
        description: 'Ends the login that the token belongs to.',
      },
      rest: { status: 204, cookie: 'end' },
    })
    .output(z.void())
    .mutation(({ ctx }) => ctx.client.auth.logout()),

  me: authedProcedure
    .meta({ openapi: { method: 'GET', path: '/api/auth/me', tags, summary: 'Who am I' } })
    .output(userSchema)
    .query(({ ctx }) => ctx.client.auth.me()),

  changePassword: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/auth/password',
        tags,
        summary: 'Change your own password',
        description: 'Ends every other login of yours.',
      },
      rest: { status: 204, errors: ['FORBIDDEN'] },
    })
    .input(changePasswordInputSchema)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.client.auth.changePassword(input)),

  /** The next token of a WebSocket that goes on after its first one ended. */
  reauthenticate: publicProcedure
    .input(z.strictObject({ token: z.string().min(1).max(16_384) }))
    .output(z.object({ expiresAt: z.string().nullable() }))
    .mutation(async ({ ctx, input }) => {
      const { expiresAt } = await requireSocket(ctx.call).authenticate(input.token)
      return { expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString() }
    }),
} satisfies TRPCRouterRecord
