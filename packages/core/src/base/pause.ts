import type { Clock } from './clock.js'
import { raceSignal } from './deadline.js'
import { defer } from './deferred.js'
import type { StopSignal } from './stop-signal.js'

/** @throws The signal's reason when it aborts before the time has passed. */
export async function pause(clock: Clock, ms: number, signal: StopSignal): Promise<void> {
  const { promise: timeIsUp, resolve } = defer<void>()
  const cancel = clock.setTimer(ms, resolve)
  try {
    await raceSignal(timeIsUp, signal)
  } finally {
    cancel()
  }
}
