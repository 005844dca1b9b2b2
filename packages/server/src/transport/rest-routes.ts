import type { z } from 'zod'
import { appRouter } from '../trpc/app-router.js'
import type { LargeBody, RestMeta, RouteMeta } from '../trpc/route-meta.js'
import { loginAnswerSchema, refreshPlaceSchema } from './refresh-cookie.js'

/** A procedure as REST offers it. */
export interface RestRoute {
  /** Path of the procedure in the router: `sessions.open`. */
  readonly procedure: string
  readonly type: 'query' | 'mutation'
  readonly openapi: NonNullable<RouteMeta['openapi']>
  readonly rest: RestMeta
  /** Where its body may be more than `limits.body`. */
  readonly largeBody: LargeBody | undefined
  /** Undefined when it takes nothing. */
  readonly input: z.ZodObject | undefined
  readonly output: z.ZodType
}

/** What tRPC keeps of a procedure; `inputs` and `output` are private in its types. */
interface ProcedureDefinition {
  readonly type: RestRoute['type']
  readonly meta?: RouteMeta
  readonly inputs: readonly z.ZodObject[]
  readonly output: z.ZodType
}

/** Every procedure that has a place in the REST API, in the order of the router. */
export function restRoutes(): RestRoute[] {
  // Flat at run time, whatever its type says: the names are `sessions.open`, …
  const procedures = appRouter._def.procedures as unknown as Record<string, { _def: ProcedureDefinition }>
  return Object.entries(procedures).flatMap(([procedure, { _def }]) => {
    const { type, meta, inputs, output } = _def
    if (meta?.openapi === undefined) return []
    const { openapi, rest = {}, largeBody } = meta
    return [withCookie({ procedure, type, openapi, rest, largeBody, input: inputs[0], output })]
  })
}

/** What REST takes and answers where the refresh token may be in a cookie. */
function withCookie(route: RestRoute): RestRoute {
  const { rest, input } = route
  if (rest.cookie === 'start') {
    return { ...route, input: input?.extend({ refresh: refreshPlaceSchema }), output: loginAnswerSchema }
  }
  return rest.cookie === 'renew' ? { ...route, input: input?.partial(), output: loginAnswerSchema } : route
}

/** Names of the parameters in a path: `/api/users/{userId}` has `userId`. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
}
