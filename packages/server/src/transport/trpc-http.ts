import { KrownError } from '@krown/core'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { refusalHeaders } from '../errors/problem.js'
import { logFailure } from './answer-errors.js'
import { callOf } from './call.js'
import { httpErrorToKrown } from './http-errors.js'
import { parseJsonText } from './json-body.js'
import { bodyOptions } from './large-body.js'
import { parseQuery, queryOf } from './query.js'
import {
  largeProcedures,
  runTrpcCalls,
  type TrpcOutcome,
  type TrpcRequest,
  toTrpcRefusal,
  typeOfProcedure,
} from './trpc-calls.js'

/** Where tRPC is, over HTTP and as a WebSocket. */
export const TRPC_PATH = '/trpc'

interface TrpcHttpOptions {
  readonly logger: Logger
  /** Bytes. */
  readonly bodyLimit: number
}

/** Queries and mutations over HTTP, as `httpLink` and `httpBatchLink` send them. */
export async function mountTrpcHttp(
  app: FastifyInstance,
  { logger, bodyLimit }: TrpcHttpOptions,
): Promise<void> {
  const routes: FastifyPluginAsync = async (scope) => {
    // Also what is refused before a procedure is asked leaves in tRPC's form.
    scope.setErrorHandler((error, request, reply) => {
      const known = httpErrorToKrown(error)
      logFailure(logger, known, request.id)
      return send(reply, toTrpcRefusal(known, { path: pathOf(request), call: callOf(request) }))
    })
    const handler = async (request: FastifyRequest, reply: FastifyReply) => {
      const asked = toTrpcRequest(request)
      if (request.method === 'HEAD') return reply.code(204).send()
      const outcomes = await runTrpcCalls(asked, (error) => logFailure(logger, error, request.id))
      // A procedure that cannot be called this way can be called the other way.
      if (outcomes.some(isMethodRefusal)) reply.header('allow', asked.isQuery ? 'POST' : 'GET')
      return send(reply, asked.isBatch ? outcomes : (outcomes[0] as TrpcOutcome))
    }
    scope.route({ method: ['GET', 'POST'], url: `${TRPC_PATH}/:path`, bodyLimit, handler })
    for (const { path, largeBody } of largeProcedures()) {
      scope.post(`${TRPC_PATH}/${path}`, { config: { path }, ...bodyOptions(bodyLimit, largeBody) }, handler)
    }
  }
  await app.register(routes)
}

/** @throws KrownError METHOD_NOT_ALLOWED, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED */
function toTrpcRequest(request: FastifyRequest): TrpcRequest {
  const isQuery = request.method !== 'POST'
  if (!isQuery) requireJson(request)
  const query = parseQuery(queryOf(request))
  const isBatch = query.get('batch') === '1'
  const paths = isBatch ? pathOf(request).split(',') : [pathOf(request)]
  // Over HTTP nothing would end it with its token, or bound how many there are.
  if (paths.some((path) => typeOfProcedure(path) === 'subscription')) {
    throw new KrownError('METHOD_NOT_ALLOWED', 'subscriptions go over a WebSocket')
  }
  return {
    isQuery,
    isBatch,
    paths,
    input: isQuery ? parseInput(query.get('input')) : request.body,
    call: callOf(request),
  }
}

/** Of the query; held to the rules of a body. */
function parseInput(text: string | undefined): unknown {
  return text === undefined || text === '' ? undefined : parseJsonText(text)
}

/** Also of a request that has no body: a page can send any other type without asking. */
function requireJson({ headers }: FastifyRequest): void {
  if (/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) return
  throw new KrownError('UNSUPPORTED_MEDIA_TYPE', 'only application/json is accepted')
}

function pathOf({ params, routeOptions }: FastifyRequest): string {
  return (params as { path?: string }).path ?? (routeOptions.config as { path?: string }).path ?? ''
}

function isMethodRefusal(outcome: TrpcOutcome): boolean {
  return 'error' in outcome && outcome.error.data.krown.code === 'METHOD_NOT_ALLOWED'
}

function send(reply: FastifyReply, answer: TrpcOutcome | readonly TrpcOutcome[]): FastifyReply {
  const outcomes = [answer].flat()
  const refused = outcomes.find((outcome) => 'error' in outcome)
  if (refused) reply.headers(refusalHeaders(refused.error.data.krown))
  reply.header('content-type', 'application/json')
  // Bytes: to text Fastify would add a charset, which JSON media types do not have.
  return reply.code(statusOf(outcomes)).send(Buffer.from(JSON.stringify(answer)))
}

function statusOf(outcomes: readonly TrpcOutcome[]): number {
  const [status = 200, ...others] = new Set(
    outcomes.map((outcome) => ('error' in outcome ? outcome.error.data.httpStatus : 200)),
  )
  return others.length === 0 ? status : 207
}
