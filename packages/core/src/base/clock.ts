/** Time as a part that is passed in, so that tests own it. */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. May jump: for records and token expiry only. */
  now(): number
  /** Milliseconds from an arbitrary start; never goes back. For every timeout and duration. */
  monotonic(): number
  /** Calls back once after `delayMs`; the timer does not keep the process alive. Returns cancel. */
  setTimer(delayMs: number, callback: () => void): () => void
}

// Node fires at once, instead of late, for delays that do not fit 31 bits.
const MAX_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(delayMs, MAX_TIMER_MS)).unref()
    return () => clearTimeout(timer)
  },
}
