import type { AppRouter } from '@krown/server'
import { isTRPCClientError } from '@trpc/client'
import { connectionLost, KrownClientError } from './errors.js'
import { fromProblem, isProblem, notKrown, notUnderstood } from './problem.js'

/** Carries an error of the caller's own code (a token store, a token function) through tRPC, to come out as it was. */
export class CallerError extends Error {
  readonly original: unknown

  constructor(original: unknown) {
    super('a function given to the client failed')
    this.original = original
  }
}

/** The error that a call through tRPC ends with. */
export function toClientError(error: unknown): unknown {
  if (error instanceof KrownClientError) return error
  if (error instanceof CallerError) return error.original
  if (!isTRPCClientError<AppRouter>(error)) return error
  if (error.data) {
    const { krown, httpStatus } = error.data
    if (isProblem(krown)) return fromProblem(krown)
    return typeof httpStatus === 'number' ? notKrown(httpStatus) : notUnderstood()
  }
  const { cause } = error
  if (cause instanceof KrownClientError || cause instanceof CallerError) return toClientError(cause)
  // All that is left is a socket which closed: tRPC then gives the close event as the cause, or nothing.
  return connectionLost('the connection to the server was lost')
}

/** Awaits a call and throws what {@link toClientError} makes of its failure. */
export async function translated<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw toClientError(error)
  }
}
