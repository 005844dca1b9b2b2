import type { KrownError } from '@krown/core'
import type { FastifyReply } from 'fastify'
import { PROBLEM_MEDIA_TYPE, refusalHeaders, toProblem } from '../errors/problem.js'

/** Answers with a refusal. */
export function sendProblem(reply: FastifyReply, error: KrownError): FastifyReply {
  const problem = toProblem(error, reply.request.id)
  reply.headers(refusalHeaders(problem))
  reply.header('content-type', PROBLEM_MEDIA_TYPE)
  // Bytes: to text Fastify would add a charset, which JSON media types do not have.
  return reply.code(problem.status).send(Buffer.from(JSON.stringify(problem)))
}
