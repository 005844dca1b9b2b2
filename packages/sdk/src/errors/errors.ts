import type { ErrorDetails, ErrorKind } from '@krown/core/model'
import type { KrownClientErrorCode } from './error-codes.js'

const PASSING: ReadonlySet<KrownClientErrorCode> = new Set(['UNAVAILABLE', 'DRAINING', 'CONNECTION_LOST'])
const ASK_AGAIN_MS = 500
const MIN_ASK_AGAIN_MS = 100
const MAX_ASK_AGAIN_MS = 60_000

export interface KrownClientErrorOptions {
  readonly kind: ErrorKind
  readonly retryable?: boolean
  /** Default: `code`. */
  readonly rawCode?: string
  readonly retryAfterMs?: number | undefined
  readonly requestId?: string | undefined
  readonly details?: ErrorDetails | undefined
}

/**
 * The only error that the SDK throws on purpose; the same shape as the KrownError of `@krown/core`, so that a program
 * that moves from the library to a server keeps its error handling. Test for it with {@link isKrownError}.
 *
 * It has no `cause`: what lies below (requests, sockets) may hold tokens, and errors end up in logs.
 */
export class KrownClientError extends Error {
  override readonly name = 'KrownError'
  readonly code: KrownClientErrorCode
  /** The code as the server wrote it; differs from `code` only when that is `UNKNOWN`. */
  readonly rawCode: string
  readonly kind: ErrorKind
  /** The same call may succeed later without anything being changed. */
  readonly retryable: boolean
  /** How long to wait before the same call can succeed, milliseconds. */
  readonly retryAfterMs: number | undefined
  /** What the server's log calls the request; undefined when no answer came. */
  readonly requestId: string | undefined
  /**
   * Facts about it: `fields` when the input was not valid, `sessionId` of a session that could not be opened,
   * `commandId` of a command that was asked for when the connection was lost.
   */
  readonly details: ErrorDetails | undefined

  constructor(code: KrownClientErrorCode, message: string, options: KrownClientErrorOptions) {
    super(message)
    this.code = code
    this.rawCode = options.rawCode ?? code
    this.kind = options.kind
    this.retryable = options.retryable ?? false
    this.retryAfterMs = options.retryAfterMs
    this.requestId = options.requestId
    this.details = options.details
  }

  /** What `JSON.stringify` writes: everything but the stack. */
  toJSON(): Record<string, unknown> {
    const { name, code, rawCode, message, kind, retryable, retryAfterMs, requestId, details } = this
    return { name, code, rawCode, message, kind, retryable, retryAfterMs, requestId, details }
  }
}

/** True for an error of any copy of this SDK, and for a KrownError of `@krown/core`. */
export function isKrownError(error: unknown): error is KrownClientError {
  return error instanceof Error && error.name === 'KrownError' && 'code' in error
}

/**
 * The connection ended, or never began, before an answer came: whether the server did anything is not known.
 *
 * @param reason A code of the operating system or such: `ECONNREFUSED`.
 */
export function connectionLost(what: string, options: { reason?: string; details?: ErrorDetails } = {}) {
  const { reason, details } = options
  return new KrownClientError('CONNECTION_LOST', reason ? `${what} (${reason})` : what, {
    kind: 'unavailable',
    retryable: true,
    ...((reason || details) && { details: { ...details, ...(reason && { reason }) } }),
  })
}

/** It passes by itself: the same may be asked again in a while. */
export function isPassing(error: unknown): error is KrownClientError {
  return error instanceof KrownClientError && PASSING.has(error.code)
}

/** As the server wishes, within reason: a timer takes what is too long for it as no time at all. */
export function askAgainInMs({ retryAfterMs }: KrownClientError): number {
  const isReasonable = Number.isFinite(retryAfterMs) && Number(retryAfterMs) >= MIN_ASK_AGAIN_MS
  return isReasonable ? Math.min(Number(retryAfterMs), MAX_ASK_AGAIN_MS) : ASK_AGAIN_MS
}

/** What was given is wrong in itself; no server was asked. */
export function invalidInput(path: string, message: string): KrownClientError {
  const fields = [{ path, message }]
  return new KrownClientError('VALIDATION_FAILED', 'the input is not valid', {
    kind: 'invalid_input',
    details: { fields },
  })
}

/** The same error saying which command it is about, for who wants to ask again. */
export function aboutCommand(error: unknown, commandId: string): unknown {
  if (!(error instanceof KrownClientError) || error.code !== 'CONNECTION_LOST') return error
  const { code, message, kind, retryable, details } = error
  return new KrownClientError(code, message, { kind, retryable, details: { ...details, commandId } })
}
