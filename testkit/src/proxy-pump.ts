import type { Socket } from 'node:net'

const QUEUE_LIMIT_BYTES = 1024 * 1024

/** One direction of a proxied connection: keeps order under latency and follows back-pressure. */
export class ProxyPump {
  readonly #from: Socket
  readonly #to: Socket
  #queuedBytes = 0
  #tail: Promise<void> | undefined

  constructor(from: Socket, to: Socket) {
    this.#from = from
    this.#to = to
    to.on('drain', () => this.#maybeResume())
  }

  send(chunk: Buffer, latencyMs: number): void {
    this.#queuedBytes += chunk.length
    this.#later(latencyMs, () => {
      this.#queuedBytes -= chunk.length
      if (!this.#to.destroyed) this.#to.write(chunk)
    })
    if (this.#isFull()) this.#from.pause()
  }

  /** Passes on the end of the stream, after what is queued. */
  end(latencyMs: number): void {
    this.#later(latencyMs, () => this.#to.end())
  }

  /** Resolves when everything queued has been handed to the kernel, or the receiver is gone. */
  async flush(): Promise<void> {
    await this.#tail
    if (this.#to.destroyed || this.#to.writableLength === 0) return
    await new Promise<void>((resolve) => this.#to.write(Buffer.alloc(0), () => resolve()))
  }

  #later(latencyMs: number, act: () => void): void {
    if (latencyMs === 0 && !this.#tail) act()
    else this.#queue(latencyMs, act)
  }

  #queue(latencyMs: number, act: () => void): void {
    const due = performance.now() + latencyMs
    const turn = (this.#tail ?? Promise.resolve())
      .then(() => sleep(due - performance.now()))
      .then(() => {
        act()
        this.#maybeResume()
        if (this.#tail === turn) this.#tail = undefined
      })
    this.#tail = turn
  }

  #isFull(): boolean {
    return this.#queuedBytes + this.#to.writableLength > QUEUE_LIMIT_BYTES
  }

  #maybeResume(): void {
    if (this.#from.isPaused() && !this.#isFull()) this.#from.resume()
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)))
}
