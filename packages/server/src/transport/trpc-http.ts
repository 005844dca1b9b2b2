import { KrownError } from '@krown/core'
import { getTRPCErrorShape, type TRPCError } from '@trpc/server'
import { resolveResponse } from '@trpc/server/http'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { toKrownError, toTrpcError } from '../errors/error-mapping.js'
import { refusalHeaders, toProblem } from '../errors/problem.js'
import { appRouter } from '../trpc/app-router.js'
import { logFailure } from './answer-errors.js'
import { callOf } from './call.js'
import { httpErrorToKrown } from './http-errors.js'
import { parseJsonText } from './json-body.js'
import { parseQuery, queryOf } from './query.js'

/** Where tRPC is, over HTTP and as a WebSocket. */
export const TRPC_PATH = '/trpc'

/** Calls in one batch, on either transport. */
export const MAX_TRPC_BATCH = 10

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
    // Also what is refused before tRPC sees it leaves in tRPC's form: its clients read no other.
    scope.setErrorHandler((error, request, reply) => {
      const known = httpErrorToKrown(error)
      logFailure(logger, known, request.id)
      return answer(request, reply, { error: toTrpcError(known) })
    })
    scope.route({
      method: ['GET', 'POST'],
      url: `${TRPC_PATH}/:path`,
      bodyLimit,
      handler: async (request, reply) => {
        if (isSubscription(rawPath(request))) return refuseSubscription(request, reply)
        return answer(request, reply, { error: queryError(request), logger })
      },
    })
  }
  await app.register(routes)
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  { error, logger }: { error: TRPCError | null; logger?: Logger },
): Promise<FastifyReply> {
  const response = await resolveResponse({
    router: appRouter,
    req: toFetchRequest(request, error === null),
    path: rawPath(request),
    error,
    maxBatchSize: MAX_TRPC_BATCH,
    createContext: async () => ({ call: callOf(request) }),
    responseMeta: ({ errors: [first] }) => (first ? { headers: headersOf(first, request.id) } : {}),
    onError: ({ error: failure }) => {
      if (logger) logFailure(logger, toKrownError(failure), request.id)
    },
  })
  // Nothing is cached, and this one would replace what CORS says.
  response.headers.delete('vary')
  return reply
    .code(response.status)
    .headers(Object.fromEntries(response.headers))
    .send(await response.text())
}

function toFetchRequest(request: FastifyRequest, withBody: boolean): Request {
  const { method, headers, body, url } = request
  return new Request(`http://krown.invalid${url}`, {
    method,
    headers: Object.fromEntries(
      // Not `trpc-accept`: an answer in lines is written as it comes, and this one is sent whole.
      ['content-type', 'accept'].flatMap((name) => {
        const value = headers[name]
        return typeof value === 'string' ? [[name, value]] : []
      }),
    ),
    signal: callOf(request)?.over ?? null,
    ...(withBody && body !== undefined && { body: JSON.stringify(body) }),
  })
}

/** Still percent-encoded: decoding it is the affair of whoever uses it. */
function rawPath({ url }: FastifyRequest): string {
  const [path = ''] = url.split('?')
  return path.slice(path.lastIndexOf('/') + 1)
}

function isSubscription(path: string): boolean {
  const procedures: Record<string, { _def: { type: string } }> = appRouter._def.procedures as never
  try {
    const name = decodeURIComponent(path)
    return Object.hasOwn(procedures, name) && procedures[name]?._def.type === 'subscription'
  } catch {
    return false
  }
}

// Over HTTP nothing would end it with its token, or bound how many there are.
function refuseSubscription(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = toTrpcError(new KrownError('METHOD_NOT_ALLOWED', 'subscriptions go over a WebSocket'))
  // tRPC would begin a stream of events with status 200, and tell the error in it.
  const shape = getTRPCErrorShape({
    config: appRouter._def._config,
    ctx: { call: callOf(request) },
    error,
    input: undefined,
    path: rawPath(request),
    type: 'subscription',
  })
  reply.header('content-type', 'application/json')
  return reply.code(shape.data.httpStatus).send(Buffer.from(JSON.stringify({ error: shape })))
}

/** The input of a query is held to the rules of a body. */
function queryError(request: FastifyRequest): TRPCError | null {
  if (request.method === 'POST') return null
  try {
    const input = parseQuery(queryOf(request)).get('input')
    if (input !== undefined && input !== '') parseJsonText(input)
    return null
  } catch (error) {
    return toTrpcError(error)
  }
}

function headersOf(error: TRPCError, requestId: string): Headers {
  return new Headers(refusalHeaders(toProblem(toKrownError(error), requestId)))
}
