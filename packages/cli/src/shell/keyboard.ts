import { EscapeKeys, type EscapeRequest } from './escape-keys.js'

/** More waits with whoever types or pastes, and in a pipe. */
const MAX_WAITING_BYTES = 256 * 1024

/** Where keys go. */
export interface KeySink {
  /** Resolves when they were taken; never rejects. */
  send(keys: Uint8Array): Promise<void>
  request(request: EscapeRequest): void
  /** There are no more keys; all were sent. */
  end(): Promise<void>
}

/**
 * What is typed, on its way: in order, one piece at a time, and never more than is bounded. Requests overtake what still
 * waits, so that they work when the other side takes nothing.
 */
export class Keyboard {
  readonly #keys: EscapeKeys
  readonly #sink: KeySink
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #sending: Promise<void> | undefined

  constructor(sink: KeySink, escapeCharacter: string | undefined) {
    this.#sink = sink
    this.#keys = new EscapeKeys(escapeCharacter)
  }

  /** Passes on what comes until it ends. */
  async read(input: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of input) {
      for (const { keys, request } of this.#keys.take(chunk)) {
        if (request === undefined) this.#push(keys)
        else this.#sink.request(request)
      }
      while (this.#waitingBytes > MAX_WAITING_BYTES) await this.#sending
    }
    await this.#sending
    await this.#sink.end()
  }

  /** What was typed and not yet sent is not wanted any more. */
  forget(): void {
    this.#waiting = []
    this.#waitingBytes = 0
  }

  #push(keys: Uint8Array): void {
    this.#waiting.push(keys)
    this.#waitingBytes += keys.length
    this.#sending ??= this.#sendAll()
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const keys = Buffer.concat(this.#waiting)
      this.#waiting = []
      await this.#sink.send(keys)
      this.#waitingBytes = Math.max(0, this.#waitingBytes - keys.length)
    }
    this.#sending = undefined
  }
}
