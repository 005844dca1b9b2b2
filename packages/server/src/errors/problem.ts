import { catalog, type ErrorDetails, type ErrorKind, type KrownError, type KrownErrorCode } from '@krown/core'
import { WIRE } from './error-mapping.js'

/** Body of every refusal: RFC 9457 with Krown's own members. */
export interface Problem {
  /** `urn:krown:error:<CODE>` */
  type: string
  title: string
  /** HTTP status. */
  status: number
  /** What happened this time; for people. */
  detail: string
  code: KrownErrorCode
  kind: ErrorKind
  /** The same request may succeed later without anything being changed. */
  retryable: boolean
  requestId: string
  retryAfterMs?: number
  /** Facts about it, such as `fields: [{path, message}]` when the input was not valid. */
  details?: ErrorDetails
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/** A client that is told nothing of its own waits this long. */
const DEFAULT_RETRY_AFTER_MS = 5000

export function toProblem(error: KrownError, requestId: string): Problem {
  const { code, kind, retryable, retryAfterMs, details } = error
  return {
    type: `urn:krown:error:${code}`,
    title: catalog[code].title,
    status: WIRE[code].http,
    detail: error.message,
    code,
    kind,
    retryable,
    requestId,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(details && { details }),
  }
}

/** What a refusal says in headers. */
export function refusalHeaders(problem: Problem): Record<string, string> {
  const retryAfter = retryAfterSeconds(problem)
  return {
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    // RFC 9110 §11.6.1: a 401 names the scheme.
    ...(problem.status === 401 && { 'www-authenticate': 'Bearer' }),
  }
}

/** Value of `Retry-After`, whole seconds; undefined where waiting is not the answer. */
function retryAfterSeconds(problem: Problem): number | undefined {
  const waits = problem.retryAfterMs !== undefined || problem.status === 429 || problem.status === 503
  return waits ? Math.max(1, Math.ceil((problem.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS) / 1000)) : undefined
}
