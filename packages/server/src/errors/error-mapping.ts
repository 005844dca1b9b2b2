import { isKrownError, KrownError, type KrownErrorCode, validationError } from '@krown/core'
import { TRPCError } from '@trpc/server'
import type { TRPC_ERROR_CODE_KEY } from '@trpc/server/rpc'
import { isZodError, toFieldProblems } from './field-problems.js'

/** What an error code is on each door. None ends a WebSocket: what does has codes of its own, in `CLOSE`. */
export interface WireError {
  readonly http: number
  readonly trpc: TRPC_ERROR_CODE_KEY
}

/** The only map from Krown's codes to statuses: a new code does not compile until it is placed here. */
export const WIRE: Readonly<Record<KrownErrorCode, WireError>> = {
  UNAUTHENTICATED: { http: 401, trpc: 'UNAUTHORIZED' },
  FORBIDDEN: { http: 403, trpc: 'FORBIDDEN' },
  NOT_FOUND: { http: 404, trpc: 'NOT_FOUND' },
  VALIDATION_FAILED: { http: 400, trpc: 'BAD_REQUEST' },
  METHOD_NOT_ALLOWED: { http: 405, trpc: 'METHOD_NOT_SUPPORTED' },
  PAYLOAD_TOO_LARGE: { http: 413, trpc: 'PAYLOAD_TOO_LARGE' },
  UNSUPPORTED_MEDIA_TYPE: { http: 415, trpc: 'UNSUPPORTED_MEDIA_TYPE' },
  CONFLICT: { http: 409, trpc: 'CONFLICT' },
  RATE_LIMITED: { http: 429, trpc: 'TOO_MANY_REQUESTS' },
  QUOTA_EXCEEDED: { http: 429, trpc: 'TOO_MANY_REQUESTS' },
  SESSION_NOT_CONNECTED: { http: 409, trpc: 'CONFLICT' },
  SESSION_LOST: { http: 410, trpc: 'NOT_FOUND' },
  TARGET_POLICY_DENIED: { http: 403, trpc: 'FORBIDDEN' },
  HOST_KEY_UNKNOWN: { http: 412, trpc: 'PRECONDITION_FAILED' },
  HOST_KEY_MISMATCH: { http: 412, trpc: 'PRECONDITION_FAILED' },
  TARGET_AUTH_FAILED: { http: 412, trpc: 'PRECONDITION_FAILED' },
  TARGET_UNREACHABLE: { http: 502, trpc: 'BAD_GATEWAY' },
  TARGET_PROTOCOL_ERROR: { http: 502, trpc: 'BAD_GATEWAY' },
  TARGET_CHANNEL_REFUSED: { http: 502, trpc: 'BAD_GATEWAY' },
  TARGET_TIMEOUT: { http: 504, trpc: 'GATEWAY_TIMEOUT' },
  READER_TOO_SLOW: { http: 408, trpc: 'TIMEOUT' },
  AUDIT_UNAVAILABLE: { http: 503, trpc: 'SERVICE_UNAVAILABLE' },
  UNAVAILABLE: { http: 503, trpc: 'SERVICE_UNAVAILABLE' },
  DRAINING: { http: 503, trpc: 'SERVICE_UNAVAILABLE' },
  INTERNAL: { http: 500, trpc: 'INTERNAL_SERVER_ERROR' },
}

/** Errors that tRPC raises by itself, before core is asked. */
const RAISED_BY_TRPC: Partial<Record<TRPC_ERROR_CODE_KEY, readonly [KrownErrorCode, string]>> = {
  PARSE_ERROR: ['VALIDATION_FAILED', 'the input is not valid'],
  BAD_REQUEST: ['VALIDATION_FAILED', 'the input is not valid'],
  NOT_FOUND: ['NOT_FOUND', 'there is no such procedure'],
  METHOD_NOT_SUPPORTED: ['METHOD_NOT_ALLOWED', 'this procedure cannot be called this way'],
  PAYLOAD_TOO_LARGE: ['PAYLOAD_TOO_LARGE', 'the request body is too large'],
  UNSUPPORTED_MEDIA_TYPE: ['UNSUPPORTED_MEDIA_TYPE', 'this media type is not accepted'],
}

/**
 * The KrownError that `error` stands for. What is not one by intent becomes INTERNAL: its text stays here, as
 * the cause, and never reaches a client.
 */
export function toKrownError(error: unknown): KrownError {
  if (isKrownError(error)) return error
  if (!(error instanceof TRPCError)) return unexpected(error)
  if (isKrownError(error.cause)) return error.cause
  // Only a BAD_REQUEST is the caller's: an output that fails its schema is a bug of ours.
  if (error.code === 'BAD_REQUEST' && isZodError(error.cause)) {
    return validationError(toFieldProblems(error.cause.issues))
  }
  const [code, message] = RAISED_BY_TRPC[error.code] ?? []
  if (code && message) return new KrownError(code, message, { cause: error })
  // What was thrown tells more than what it was wrapped in; a schema's complaint does not say whose it is.
  return unexpected(error.cause === undefined || isZodError(error.cause) ? error : error.cause)
}

/** The same error in tRPC's own dress, with the KrownError as its cause. */
export function toTrpcError(error: unknown): TRPCError {
  const cause = toKrownError(error)
  return new TRPCError({ code: WIRE[cause.code].trpc, message: cause.message, cause })
}

function unexpected(cause: unknown): KrownError {
  return new KrownError('INTERNAL', 'internal error', { cause })
}
