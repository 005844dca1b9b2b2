import { KrownError } from '../errors/krown-error.js'

/** The evidence cannot be written, so nothing runs. */
export function recordingUnavailable(cause?: unknown): KrownError {
  return new KrownError('AUDIT_UNAVAILABLE', 'it cannot be recorded, so it does not run', {
    cause,
    retryAfterMs: 1_000,
  })
}
