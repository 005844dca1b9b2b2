import { KrownError } from '@krown/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendProblem } from './send-problem.js'

/** Says which methods a path has. */
export type AllowedMethods = (path: string) => string[]

/** Remembers the routes that `app` gets from now on. */
export function watchRoutes(app: FastifyInstance): AllowedMethods {
  const routes: { pattern: RegExp; method: string }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    // Only the preflight route of CORS matches everything, and it allows nothing.
    if (url === '*') return
    for (const one of [method].flat()) routes.push({ pattern: toPattern(url), method: one })
  })
  return (path) => [
    ...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)),
  ]
}

/** Refuses what is no route: 405 with `Allow` when the path is one under another method, else 404. */
export function refuseUnknownRoutes(app: FastifyInstance, allowedMethods: AllowedMethods): void {
  // In this hook and not in the handler: the body of what is refused anyway is not read.
  app.addHook('onRequest', (request, reply, next) => {
    if (!request.is404) return next()
    if (hasBody(request)) reply.header('connection', 'close')
    const [path = ''] = request.url.split('?')
    refuse(reply, allowedMethods(path))
  })
  app.setNotFoundHandler((_request, reply) => refuse(reply, []))
}

function refuse(reply: FastifyReply, allowed: readonly string[]): FastifyReply {
  if (allowed.length === 0) {
    return sendProblem(reply, new KrownError('NOT_FOUND', 'there is nothing at this path'))
  }
  reply.header('allow', allowed.join(', '))
  return sendProblem(reply, new KrownError('METHOD_NOT_ALLOWED', 'this method is not allowed here'))
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function toPattern(url: string): RegExp {
  const source = url
    .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll(/:\w+/g, '[^/]+')
  return new RegExp(`^${source}$`)
}
