import cors from '@fastify/cors'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { usesRefreshCookie } from './refresh-cookie.js'

const OPTIONS = {
  methods: ['GET', 'POST', 'PATCH', 'DELETE'],
  allowedHeaders: ['Authorization', 'Content-Type'],
  exposedHeaders: ['Retry-After', 'X-Request-Id', 'Location'],
  strictPreflight: false,
  maxAge: 600,
}

/** Pages of these origins may call the API; with cookies, only where there is one. */
export async function addCors(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return
  await app.register(cors, {
    delegator: async ({ url, headers }: FastifyRequest) => ({
      ...OPTIONS,
      origin: [...origins],
      credentials: origins.includes(headers.origin ?? '') && usesRefreshCookie(url),
    }),
  })
}
