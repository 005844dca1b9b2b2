import { randomInt } from 'node:crypto'
import type { Clock } from '../base/clock.js'
import { pause } from '../base/pause.js'
import { isDroppedEarly } from './error-mapping.js'

export interface RedialOptions {
  readonly clock: Clock
  /** For all attempts together. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

const MAX_REDIALS = 3
const FIRST_PAUSE_MS = 200

/**
 * Dials again when the target hangs up before it identifies itself: sshd drops connections at random while others log
 * in (MaxStartups), before it has seen anything of us.
 *
 * @param dial Gets what is left of the time.
 */
export async function redialDropped<Result>(
  dial: (timeoutMs: number) => Promise<Result>,
  { clock, timeoutMs, signal }: RedialOptions,
): Promise<Result> {
  const endsAt = clock.monotonic() + timeoutMs
  for (let redials = 0; ; redials += 1) {
    try {
      return await dial(endsAt - clock.monotonic())
    } catch (error) {
      const pauseMs = FIRST_PAUSE_MS * 2 ** redials * jitter()
      const outOfTime = clock.monotonic() + pauseMs >= endsAt
      if (!isDroppedEarly(error) || redials === MAX_REDIALS || outOfTime) throw error
      await pause(clock, pauseMs, signal)
    }
  }
}

/** From a half to one and a half: those who were dropped together do not come back together. */
function jitter(): number {
  return 0.5 + randomInt(1_000) / 1_000
}
