import type { KrownError } from '@krown/core'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { httpErrorToKrown } from './http-errors.js'
import { OVER } from './request-ends.js'
import { sendProblem } from './send-problem.js'

/** Turns whatever was thrown into a problem document, and logs once what nobody meant to throw. */
export function answerErrors(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    const known = httpErrorToKrown(error)
    logFailure(logger, known, request.id)
    return sendProblem(reply, known)
  })
}

/** One line for what is no refusal but a failure of ours. */
export function logFailure(logger: Logger, error: KrownError, requestId: string): void {
  // It was only given up: its client is gone.
  if (error.cause === OVER) return
  if (error.code === 'INTERNAL') {
    logger.error({ err: error.cause ?? error, requestId }, 'request failed unexpectedly')
  } else if (error.kind === 'unavailable' && error.code !== 'DRAINING') {
    logger.warn({ err: error, requestId }, 'request failed')
  }
}
