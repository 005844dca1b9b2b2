import type { Clock } from './clock.js'
import { defer } from './deferred.js'

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
  const controller = new AbortController()
  const cancelTimer = clock.setTimer(timeoutMs, () => controller.abort(options.reason()))
  const followParent = () => controller.abort(options.parent?.reason)
  if (options.parent?.aborted) followParent()
  options.parent?.addEventListener('abort', followParent, { once: true })
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      cancelTimer()
      options.parent?.removeEventListener('abort', followParent)
    },
  }
}

/** Settles as `promise` does, or rejects with the signal's reason, whichever comes first. */
export async function raceSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
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
