const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Aborted by the first signal that asks this program to end. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal
}

/**
 * Until it is disposed of no signal ends this program: a terminal and a package manager may each send theirs, and the
 * cleaning up goes on.
 */
export function watchForInterruption(): Interruption {
  const controller = new AbortController()
  const onSignal = () => controller.abort()
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal)
    },
  }
}
