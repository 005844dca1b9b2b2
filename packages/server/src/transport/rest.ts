import { type KrownConfig, KrownError, validationError } from '@krown/core'
import { callTRPCProcedure } from '@trpc/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { appRouter } from '../trpc/app-router.js'
import type { RootContext } from '../trpc/init.js'
import { callOf } from './call.js'
import { bodyOptions } from './large-body.js'
import { coerceQuery, parseQuery, queryOf } from './query.js'
import { addCookies, type Exchange, RefreshCookie, type RefreshCookieSettings } from './refresh-cookie.js'
import { pathParameters, type RestRoute, restRoutes } from './rest-routes.js'

/** Mounts one route for each procedure that has a place in the REST API. */
export async function mountRest(app: FastifyInstance, { limits, server, auth }: KrownConfig): Promise<void> {
  await addCookies(app)
  const settings = { origins: server.corsOrigins, maxAge: auth.refreshIdleTtl, prefix: app.prefix }
  for (const route of restRoutes()) {
    const { method, path } = route.openapi
    app.route({
      method,
      ...bodyOptions(limits.body, route.largeBody),
      url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
      handler: async (request, reply) => {
        const output = await answer(route, { request, reply }, settings)
        // Nobody takes it any more, and it may be large.
        if (callOf(request)?.over?.aborted) return reply.hijack()
        return sendOutput(reply, route, { output, prefix: app.prefix })
      },
    })
  }
}

async function answer(
  route: RestRoute,
  exchange: Exchange,
  settings: RefreshCookieSettings,
): Promise<unknown> {
  const { request } = exchange
  if (route.rest.cookie === undefined) return callProcedure(route, request)
  const cookie = new RefreshCookie(route.rest.cookie, exchange, settings)
  try {
    return cookie.toAnswer(await callProcedure(route, request, (input) => cookie.toInput(input)))
  } catch (error) {
    cookie.failed(error)
    throw error
  }
}

function callProcedure(
  route: RestRoute,
  request: FastifyRequest,
  adapt = (input: unknown) => input,
): Promise<unknown> {
  let input: Promise<unknown> | undefined
  return callTRPCProcedure({
    router: appRouter,
    path: route.procedure,
    type: route.type,
    ctx: { call: callOf(request) } satisfies RootContext,
    // Called when the caller is known: who is not signed in learns nothing about the input.
    getRawInput: () => {
      input ??= Promise.resolve(undefined).then(() => adapt(readInput(route, request)))
      return input
    },
    signal: callOf(request)?.over,
    batchIndex: 0,
  })
}

/**
 * Everything that the request says, as one object. A query string belongs to queries and a body to mutations;
 * a name that comes twice is refused, because guard and handler could read different ones.
 */
function readInput(route: RestRoute, request: FastifyRequest): unknown {
  const query = coerceQuery(parseQuery(queryOf(request)), route.input?.shape ?? {})
  const given = route.type === 'query' ? query : [...query.map(refuseQuery), ...bodyEntries(request.body)]
  const input = new Map<string, unknown>(Object.entries(request.params as Record<string, string>))
  for (const [name, value] of given) {
    const isTaken = input.has(name)
    if (isTaken || route.input === undefined) throw validationError([{ path: name, message: 'is not known' }])
    input.set(name, value)
  }
  return route.input && Object.fromEntries(input)
}

function refuseQuery([name]: [string, unknown]): never {
  throw validationError([{ path: name, message: 'must not be in the query string' }])
}

function bodyEntries(body: unknown): [string, unknown][] {
  if (body === undefined) return []
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return Object.entries(body)
  throw new KrownError('VALIDATION_FAILED', 'the request body must be a JSON object')
}

function sendOutput(
  reply: FastifyReply,
  { rest }: RestRoute,
  { output, prefix }: { output: unknown; prefix: string },
): FastifyReply {
  const { status = 200, pending } = rest
  if (status === 204) return reply.code(204).send()
  const answer = output as Record<string, unknown>
  const isPending = pending !== undefined && answer.status === pending.status
  const location = isPending ? pending.location : rest.location
  if (location !== undefined) reply.header('location', prefix + fillTemplate(location, answer))
  return reply.code(isPending ? 202 : status).send(answer)
}

function fillTemplate(template: string, values: Record<string, unknown>): string {
  return pathParameters(template).reduce(
    (path, name) => path.replace(`{${name}}`, encodeURIComponent(String(values[name]))),
    template,
  )
}
