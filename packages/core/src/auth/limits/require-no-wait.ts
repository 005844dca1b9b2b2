import { KrownError } from '../../errors/krown-error.js'

/** @throws KrownError RATE_LIMITED with `retryAfterMs`, unless there is nothing to wait for. */
export function requireNoWait(waitMs: number, what: string): void {
  if (waitMs <= 0) return
  throw new KrownError('RATE_LIMITED', `${what}: try again later`, { retryAfterMs: Math.ceil(waitMs) })
}
