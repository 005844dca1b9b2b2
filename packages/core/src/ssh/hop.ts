import { isKrownError, KrownError } from '../errors/krown-error.js'

/** The place of a jump host on the way to a target. */
export interface Hop {
  readonly name: string
  /** From 1, the one that we dial. */
  readonly number: number
  /** Jump hosts on the whole way. */
  readonly count: number
}

/** Says in an error at which jump host it happened; unless it does already, or is none of ours. */
export function atHop<E>(hop: Hop | null, error: E): E | KrownError {
  return hop && isKrownError(error) && error.details?.hop === undefined ? named(hop, error) : error
}

function named({ name, number, count }: Hop, error: KrownError): KrownError {
  // The words are those for a target, which a jump host is on the way.
  const what = error.message.replaceAll('the target', 'it')
  return new KrownError(error.code, `jump host ${name} (hop ${number} of ${count}): ${what}`, {
    details: { ...error.details, hop: number, hopName: name },
    cause: error,
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
  })
}
