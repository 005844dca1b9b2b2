import type { EventEmitter } from 'node:events'
import type { Logger } from 'pino'

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Reasons to stop, as they reach this process from {@link listen} to {@link ignore}. */
export class StopRequests {
  /** A signal, or a crash. */
  readonly first: Promise<void>
  /** One more: whoever asks does not want to wait. */
  readonly second: Promise<void>
  readonly #source: EventEmitter
  readonly #logger: Logger
  #asked = false
  #crashed = false
  #resolvers: (() => void)[] = []

  /** @param source Whatever says so; `process` outside of tests. */
  constructor(source: EventEmitter, logger: Logger) {
    this.#source = source
    this.#logger = logger
    this.first = new Promise((resolve) => this.#resolvers.push(resolve))
    this.second = new Promise((resolve) => this.#resolvers.push(resolve))
  }

  /** There was one. */
  get asked(): boolean {
    return this.#asked
  }

  /** An exception that nobody caught was among them: what is in memory cannot be trusted any more. */
  get crashed(): boolean {
    return this.#crashed
  }

  listen(): void {
    for (const signal of SIGNALS) this.#source.on(signal, this.#onSignal)
    this.#source.on('uncaughtException', this.#onCrash)
  }

  ignore(): void {
    for (const signal of SIGNALS) this.#source.off(signal, this.#onSignal)
    this.#source.off('uncaughtException', this.#onCrash)
  }

  #onSignal = (signal: string): void => {
    this.#asked = true
    this.#logger.info({ signal }, 'asked to stop')
    this.#resolvers.shift()?.()
  }

  #onCrash = (err: Error): void => {
    this.#asked = true
    this.#crashed = true
    this.#logger.fatal({ err }, 'an exception was not caught; stopping')
    for (const resolve of this.#resolvers.splice(0)) resolve()
  }
}
