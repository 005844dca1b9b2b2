import { exitCodeOfSignal } from '../exit-codes.js'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The wish to stop: the first signal is somebody's to honour, the second ends this process. */
export class Interrupts implements Disposable {
  #received: NodeJS.Signals | undefined
  #onFirst: (signal: NodeJS.Signals) => void
  readonly #listener = (signal: NodeJS.Signals) => this.#receive(signal)

  constructor(onFirst: (signal: NodeJS.Signals) => void) {
    this.#onFirst = onFirst
    for (const signal of SIGNALS) process.on(signal, this.#listener)
  }

  /** The first one. */
  get received(): NodeJS.Signals | undefined {
    return this.#received
  }

  /** Has somebody else honour it: at once when it was already. */
  handTo(onFirst: (signal: NodeJS.Signals) => void): void {
    this.#onFirst = onFirst
    if (this.#received) onFirst(this.#received)
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener)
  }

  #receive(signal: NodeJS.Signals): void {
    if (this.#received) process.exit(exitCodeOfSignal(signal))
    this.#received = signal
    this.#onFirst(signal)
  }
}
