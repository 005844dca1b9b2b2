import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

const TWO_YEARS_S = 63_072_000

/** Nothing in an answer of the API is to be shown, run or framed. */
const API_POLICY = { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } }

/**
 * The documentation page runs its own files and nothing inline; React sets styles through the DOM only. Trusted
 * types are not demanded: Swagger UI sanitises the HTML that it makes of Markdown, but writes it as text.
 */
export const DOCS_POLICY = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
  },
}

const PERMISSIONS = 'camera=(), microphone=(), geolocation=(), clipboard-read=()'

/** Headers that every answer has. */
export async function addSecurityHeaders(app: FastifyInstance, options: { tls: boolean }): Promise<void> {
  const helmetOptions: FastifyHelmetOptions = {
    contentSecurityPolicy: API_POLICY,
    hsts: options.tls && { maxAge: TWO_YEARS_S, includeSubDomains: true },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    crossOriginEmbedderPolicy: { policy: 'require-corp' },
  }
  await app.register(helmet, helmetOptions)
  app.addHook('onRequest', (_request, reply, next) => {
    reply.header('permissions-policy', PERMISSIONS)
    next()
  })
}
