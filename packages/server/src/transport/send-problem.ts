import type { KrownError } from '@krown/core'
import type { FastifyReply } from 'fastify'
import { PROBLEM_MEDIA_TYPE, retryAfterSeconds, toProblem } from './problem.js'

/** Answers with a refusal. */
export function sendProblem(reply: FastifyReply, error: KrownError): FastifyReply {
  const problem = toProblem(error, reply.request.id)
  const retryAfter = retryAfterSeconds(problem)
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  // RFC 9110 §11.6.1: a 401 names the scheme.
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  reply.header('content-type', PROBLEM_MEDIA_TYPE)
  // Bytes: to text Fastify would add a charset, which JSON media types do not have.
  return reply.code(problem.status).send(Buffer.from(JSON.stringify(problem)))
}
