import { unref } from '../sockets/socket-liveness.js'

/** What is left to be acknowledged waits no longer. */
const SOON_MS = 50

export interface AcknowledgerOptions {
  readonly from: number
  /** At once when it is so much. */
  readonly everyBytes: number
  send(offset: number): void
}

/** Tells the server what was taken: often enough for what flows, and not for every key. */
export class Acknowledger {
  readonly #options: AcknowledgerOptions
  #taken: number
  #told: number
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: AcknowledgerOptions) {
    this.#options = options
    this.#taken = options.from
    this.#told = options.from
  }

  took(offset: number): void {
    this.#taken = Math.max(this.#taken, offset)
    const untold = this.#taken - this.#told
    if (untold >= this.#options.everyBytes) this.#tell()
    else if (untold > 0 && this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#tell(), SOON_MS)
      unref(this.#timer)
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #tell(): void {
    this.stop()
    if (this.#taken === this.#told) return
    this.#told = this.#taken
    this.#options.send(this.#taken)
  }
}
