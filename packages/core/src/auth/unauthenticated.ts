import { KrownError } from '../errors/krown-error.js'

/** One message for a token that is absent, forged, expired or revoked: which of them is nobody's business. */
export function unauthenticated(cause?: unknown): KrownError {
  return new KrownError('UNAUTHENTICATED', 'sign in again', { cause })
}

/** One message for an unknown user, a wrong password and a disabled user. */
export function wrongCredentials(): KrownError {
  return new KrownError('UNAUTHENTICATED', 'the user name or the password is not right')
}
