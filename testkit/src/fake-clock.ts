interface Timer {
  due: number
  callback: () => void
}

/** 2026-01-01T00:00:00Z */
const DEFAULT_START_MS = Date.UTC(2026, 0, 1)

/** A clock that moves only when told. Times are milliseconds; `now` is wall time since the epoch. */
export class FakeClock {
  #wall: number
  #monotonic = 0
  readonly #timers = new Set<Timer>()

  constructor(startMs = DEFAULT_START_MS) {
    this.#wall = startMs
  }

  now(): number {
    return this.#wall
  }

  monotonic(): number {
    return this.#monotonic
  }

  /** Calls back once when `delayMs` has passed on the monotonic clock; returns the cancel function. */
  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { due: this.#monotonic + Math.max(0, delayMs), callback }
    this.#timers.add(timer)
    return () => {
      this.#timers.delete(timer)
    }
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  /** Moves both clocks and fires the timers that come due, in order, also those set on the way. */
  advance(ms: number): void {
    const end = this.#monotonic + ms
    for (let timer = this.#next(end); timer; timer = this.#next(end)) this.#fire(timer)
    this.#moveTo(end)
  }

  /** As `advance`, and lets promises settle before the first timer and after each one. */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#monotonic + ms
    await settle()
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#fire(timer)
      await settle()
    }
    this.#moveTo(end)
    await settle()
  }

  /** An administrator or NTP sets the wall clock: `monotonic` and timers do not notice. */
  setWallClock(ms: number): void {
    this.#wall = ms
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.due <= end && (!next || timer.due < next.due)) next = timer
    }
    return next
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer)
    this.#moveTo(timer.due)
    timer.callback()
  }

  #moveTo(monotonic: number): void {
    // A callback may itself have advanced the clock: it never goes back.
    const step = Math.max(0, monotonic - this.#monotonic)
    this.#monotonic += step
    this.#wall += step
  }
}

function settle(): Promise<void> {
  // A turn of the event loop runs every promise callback that is ready, whatever the length of the chain.
  return new Promise((resolve) => setImmediate(resolve))
}
