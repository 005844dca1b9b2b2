import { catalog, type ErrorKind, type KrownErrorCode } from './catalog.js'

/** Safe to show to the caller: no secrets, file paths, SQL or resolved addresses. */
export type ErrorDetails = Readonly<Record<string, unknown>>

export interface FieldProblem {
  /** Dotted path of the field, as the caller wrote it. */
  readonly path: string
  readonly message: string
}

export interface KrownErrorOptions {
  readonly details?: ErrorDetails
  /** How long to wait before the same call can succeed, milliseconds. */
  readonly retryAfterMs?: number
  /** For the log only; never sent to a client. */
  readonly cause?: unknown
}

/**
 * The only error that core throws on purpose. `message` and `details` reach clients.
 *
 * Test for it with {@link isKrownError}: two copies of the library may be loaded in one process.
 */
export class KrownError extends Error {
  override readonly name = 'KrownError'
  readonly code: KrownErrorCode
  readonly details: ErrorDetails | undefined
  readonly retryAfterMs: number | undefined

  constructor(code: KrownErrorCode, message: string, options: KrownErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details
    this.retryAfterMs = options.retryAfterMs
  }

  get kind(): ErrorKind {
    return catalog[this.code].kind
  }

  get retryable(): boolean {
    return 'retryable' in catalog[this.code]
  }
}

/** True for a KrownError of any copy of this library. */
export function isKrownError(error: unknown): error is KrownError {
  return error instanceof Error && error.name === 'KrownError' && 'code' in error
}

/** `VALIDATION_FAILED` with the list of every field at fault; values are never repeated. */
export function validationError(
  fields: readonly FieldProblem[],
  message = 'the input is not valid',
): KrownError {
  return new KrownError('VALIDATION_FAILED', message, { details: { fields } })
}

/** One body for «absent», «another organization's» and «another user's», so that none tells them apart. */
export function notFound(noun: string): KrownError {
  return new KrownError('NOT_FOUND', `${noun} not found`)
}
