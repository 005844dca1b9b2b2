import type { Clock } from './clock.js'

export interface Periodic {
  /** No further run; waits for the one under way. */
  stop(): Promise<void>
}

/** Runs a job again and again, each time `everyMs` after the last one ended. */
export function startPeriodic(
  clock: Clock,
  everyMs: number,
  job: { run(): Promise<void>; onError(error: unknown): void },
): Periodic {
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  let cancel: () => void
  const schedule = () => {
    cancel = clock.setTimer(everyMs, () => {
      running = job
        .run()
        .catch(job.onError)
        .then(() => {
          if (!stopped) schedule()
        })
    })
  }
  schedule()
  return {
    async stop() {
      stopped = true
      cancel()
      await running
    },
  }
}
