import { setMaxListeners } from 'node:events'
import { KrownError } from '../errors/krown-error.js'

/** Whether new work is taken in; closed for good once Krown drains. */
export class Intake {
  readonly #closing = new AbortController()

  constructor() {
    // Every session that is being opened listens; from the eleventh on Node would warn of a leak.
    setMaxListeners(0, this.#closing.signal)
  }

  get closed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Aborts with the DRAINING error when the intake closes. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  close(): void {
    if (this.closed) return
    this.#closing.abort(new KrownError('DRAINING', 'Krown is shutting down', { retryAfterMs: 5_000 }))
  }

  /** @throws KrownError DRAINING */
  requireOpen(): void {
    this.#closing.signal.throwIfAborted()
  }
}
