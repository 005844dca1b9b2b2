import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { httpErrorToKrown } from './http-errors.js'
import { sendProblem } from './send-problem.js'

/** Turns whatever was thrown into a problem document, and logs once what nobody meant to throw. */
export function answerErrors(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    const known = httpErrorToKrown(error)
    if (known.code === 'INTERNAL') {
      logger.error({ err: known.cause ?? known, requestId: request.id }, 'request failed unexpectedly')
    } else if (known.kind === 'unavailable' && known.code !== 'DRAINING') {
      logger.warn({ err: known, requestId: request.id }, 'request failed')
    }
    return sendProblem(reply, known)
  })
}
