import type { ErrorKind, KrownErrorCode } from '@krown/core/model'

/**
 * Every code an error of this SDK may have: those that the server has, `CONNECTION_LOST` when the answer never came,
 * and `UNKNOWN` for what a newer server (or something that is no Krown) said.
 */
export type KrownClientErrorCode = KrownErrorCode | 'CONNECTION_LOST' | 'UNKNOWN'

// `Record` makes a new code of the server fail to compile until it is known here.
const CODES: Readonly<Record<KrownErrorCode, true>> = {
  UNAUTHENTICATED: true,
  FORBIDDEN: true,
  NOT_FOUND: true,
  VALIDATION_FAILED: true,
  METHOD_NOT_ALLOWED: true,
  PAYLOAD_TOO_LARGE: true,
  UNSUPPORTED_MEDIA_TYPE: true,
  CONFLICT: true,
  RATE_LIMITED: true,
  QUOTA_EXCEEDED: true,
  READER_TOO_SLOW: true,
  SESSION_NOT_CONNECTED: true,
  SESSION_LOST: true,
  TARGET_POLICY_DENIED: true,
  HOST_KEY_UNKNOWN: true,
  HOST_KEY_MISMATCH: true,
  TARGET_AUTH_FAILED: true,
  TARGET_UNREACHABLE: true,
  TARGET_PROTOCOL_ERROR: true,
  TARGET_CHANNEL_REFUSED: true,
  TARGET_TIMEOUT: true,
  AUDIT_UNAVAILABLE: true,
  UNAVAILABLE: true,
  DRAINING: true,
  INTERNAL: true,
}

const KINDS: Readonly<Record<ErrorKind, true>> = {
  invalid_input: true,
  unauthenticated: true,
  forbidden: true,
  not_found: true,
  conflict: true,
  failed_precondition: true,
  limit_exceeded: true,
  timeout: true,
  upstream: true,
  unavailable: true,
  internal: true,
}

export function toKnownCode(rawCode: string): KrownClientErrorCode {
  return Object.hasOwn(CODES, rawCode) ? (rawCode as KrownErrorCode) : 'UNKNOWN'
}

export function toKnownKind(rawKind: unknown): ErrorKind {
  return typeof rawKind === 'string' && Object.hasOwn(KINDS, rawKind) ? (rawKind as ErrorKind) : 'internal'
}
