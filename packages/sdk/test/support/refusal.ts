import { isKrownError, type KrownClientError } from '../../src/index.js'

/** The error that a promise rejects with; fails the test when it is none of Krown's. */
export async function refusalOf(promise: Promise<unknown>): Promise<KrownClientError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in outcome && isKrownError(outcome.error)) return outcome.error
  throw new Error('expected a KrownError', { cause: outcome })
}
