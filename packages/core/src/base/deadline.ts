import { startCancellation } from './cancellation.js'
import type { Clock } from './clock.js'
import { defer } from './deferred.js'
import type { StopSignal } from './stop-signal.js'

export interface Deadline extends Disposable {
  /** Aborts with `reason` when the time is over, or with the parent's reason when that aborts first. */
  readonly signal: AbortSignal
}

/**
 * An abort signal that fires after `timeoutMs` or together with `parent`.
 *
 * @param options.reason Made when it fires; becomes `signal.reason`.
 */
export function startDeadline(
  clock: Clock,
  timeoutMs: number,
  options: { reason: () => unknown; parent?: AbortSignal | undefined },
): Deadline {
  const cancellation = startCancellation(options.parent)
  const cancelTimer = clock.setTimer(timeoutMs, () => cancellation.abort(options.reason()))
  return {
    signal: cancellation.signal,
    [Symbol.dispose]() {
      cancelTimer()
      cancellation[Symbol.dispose]()
    },
  }
}

/** Settles as `promise` does, or rejects with the signal's reason, whichever comes first. */
export async function raceSignal<T>(promise: Promise<T>, signal: StopSignal): Promise<T> {
  const aborted = defer<never>()
  const onAbort = () => aborted.reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
