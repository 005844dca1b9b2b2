import { OVER } from '../request-ends.js'

/** The answers of one WebSocket that are under way. */
export class Answers {
  readonly #open = new Set<AbortController>()
  readonly #ready: () => Promise<void>
  #isOver = false

  /** @param ready Resolves when what was sent left, but for what may wait. */
  constructor(ready: () => Promise<void>) {
    this.#ready = ready
  }

  /** Begins one. @returns Its end, and what is to be called when it goes to the socket, or will not. */
  begin(): { over: AbortSignal; sent: () => void } {
    const end = new AbortController()
    if (this.#isOver) end.abort(OVER)
    else this.#open.add(end)
    // Not before it was written: the adapter does that when the procedure has returned.
    const sent = () => void setImmediate(() => void this.#ready().then(() => this.#end(end)))
    return { over: end.signal, sent }
  }

  /** The socket is gone. */
  endAll(): void {
    this.#isOver = true
    for (const end of this.#open) this.#end(end)
  }

  #end(end: AbortController): void {
    this.#open.delete(end)
    end.abort(OVER)
  }
}
