import { systemInfoSchema } from '@krown/core'
import type { TRPCRouterRecord } from '@trpc/server'
import { publicProcedure } from '../trpc/init.js'

export const systemRouter = {
  info: publicProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/system/info',
        tags: ['system'],
        summary: 'Version, capabilities, limits',
        description: 'Needs no token.',
        protect: false,
      },
    })
    .output(systemInfoSchema)
    .query(async ({ ctx }) => ctx.krown.as(await ctx.krown.actors.system()).system.info()),
} satisfies TRPCRouterRecord
