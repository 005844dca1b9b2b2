import type { Permission } from '@krown/core'

/** A procedure's place in the REST API. Structural and named: the router's declarations carry only this. */
export interface RouteMeta extends Record<string, unknown> {
  /** Read by trpc-to-openapi; subscriptions and what only tRPC offers have none. */
  openapi?: {
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
    /** The whole path, parameters in braces. */
    path: `/${string}`
    tags: string[]
    summary: string
    description?: string
    /** False where no token is needed; default true. */
    protect?: boolean
  }
  rest?: RestMeta
  /** It waits for a target or a command, and costs nothing here meanwhile. */
  waits?: true
  /** Where its request body may be more than `limits.body`; over HTTP, not over a WebSocket. */
  largeBody?: LargeBody
}

/** How much larger a body may be, and of whom. */
export interface LargeBody {
  /** Bytes. */
  max: number
  /** Asked for all of the organization before anything of the body is read. */
  permission: Permission
}

/** Of a request that brings a whole inventory: room for the most that its schema allows. */
export const MAX_IMPORT_BODY = 4 * 1024 * 1024

/** What REST says besides the body. */
export interface RestMeta {
  /** Status of success; default 200. 204 has no body. */
  status?: 200 | 201 | 204
  /** Template of the `Location` header, filled from the answer: `/api/sessions/{id}`. */
  location?: string
  /** The answer may be one that is not finished: then 202, and `Location` says where to ask again. */
  pending?: { status: string; location: string }
  /** What it does with the cookie that may hold the refresh token: begins it, renews it, ends it. */
  cookie?: 'start' | 'renew' | 'end'
  /** Codes of refusals that are particular to it, for the OpenAPI document. */
  errors?: readonly string[]
}
