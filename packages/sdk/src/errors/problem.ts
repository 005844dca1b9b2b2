import type { Problem } from '@krown/server'
import { toKnownCode, toKnownKind } from './error-codes.js'
import { connectionLost, KrownClientError } from './errors.js'

/** A refusal as every door of Krown writes it; of a newer one, code and kind may be any text. */
export function isProblem(body: unknown): body is Problem {
  return (
    typeof body === 'object' &&
    body !== null &&
    'code' in body &&
    typeof body.code === 'string' &&
    'kind' in body &&
    (!('detail' in body) || typeof body.detail === 'string')
  )
}

export function fromProblem(problem: Problem): KrownClientError {
  return new KrownClientError(toKnownCode(problem.code), problem.detail, {
    rawCode: problem.code,
    kind: toKnownKind(problem.kind),
    retryable: problem.retryable === true,
    retryAfterMs: problem.retryAfterMs,
    requestId: problem.requestId,
    details: problem.details,
  })
}

/** It speaks as a Krown server does, but not in a way that makes sense. */
export function notUnderstood(): KrownClientError {
  return new KrownClientError('UNKNOWN', 'the server sent what this SDK does not understand', {
    kind: 'internal',
    rawCode: 'NOT_UNDERSTOOD',
  })
}

/** Something answered, but not a Krown server: a proxy in front of it, or the URL is wrong. */
export function notKrown(status: number): KrownClientError {
  if (status >= 500) return connectionLost(`something before the server answered for it with HTTP ${status}`)
  return new KrownClientError(
    'UNKNOWN',
    `the answer (HTTP ${status}) is not from a Krown server: is the URL right?`,
    {
      kind: 'internal',
      rawCode: `HTTP_${status}`,
    },
  )
}
