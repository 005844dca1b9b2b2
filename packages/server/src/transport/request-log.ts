import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { callOf, clientIpOf } from './call.js'

/**
 * One line for each request. These fields and no other: queries, headers and bodies may hold secrets, and a
 * path that is no route may hold anything.
 */
export function logRequest(logger: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const fields = {
    method: request.method,
    route: request.routeOptions.url ?? null,
    status: reply.statusCode,
    durationMs: Math.round(reply.elapsedTime * 10) / 10,
    requestId: request.id,
    userId: callOf(request)?.actor?.userId ?? null,
    clientIp: clientIpOf(request),
  }
  // Supervisors ask every few seconds.
  const isProbe = fields.route === '/healthz' || fields.route === '/readyz'
  logger[isProbe ? 'debug' : 'info'](fields, 'request')
}
