import { KrownError } from '../errors/krown-error.js'

/** Why a command was cancelled that nobody cancelled: whoever started it may not any more. */
export function accessEnded(): KrownError {
  return new KrownError('FORBIDDEN', 'the command was cancelled because access to the target ended')
}
