import type { ErrorDetails } from '@krown/core/model'
import { toKnownCode, toKnownKind } from '../errors/error-codes.js'
import { KrownClientError } from '../errors/errors.js'
import { notUnderstood } from '../errors/problem.js'
import { isRecord } from '../sockets/frames.js'

/** An `error` of the plain WebSocket. */
export function toRefusal(message: Readonly<Record<string, unknown>>): KrownClientError {
  const { code, kind, retryable, retryAfterMs, details } = message
  if (typeof code !== 'string' || typeof message.message !== 'string') return notUnderstood()
  return new KrownClientError(toKnownCode(code), message.message, {
    rawCode: code,
    kind: toKnownKind(kind),
    retryable: retryable === true,
    retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
    details: isRecord(details) ? (details as ErrorDetails) : undefined,
  })
}
