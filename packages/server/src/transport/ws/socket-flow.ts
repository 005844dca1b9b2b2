import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'

export interface FlowOptions {
  readonly maxBufferedBytes: number
  readonly stallMs: number
  /** The peer took nothing for `stallMs`. */
  onStall(): void
}

/**
 * Back-pressure for a WebSocket, which has none of its own: `send` would buffer whatever a peer that does not read
 * is sent.
 */
export class SocketFlow {
  readonly #ws: WebSocket
  readonly #stream: Socket
  readonly #options: FlowOptions
  #drained: Promise<void> | undefined

  constructor(ws: WebSocket, stream: Socket, options: FlowOptions) {
    this.#ws = ws
    this.#stream = stream
    this.#options = options
  }

  /** Somebody waits until it is not full. */
  get blocked(): boolean {
    return this.#drained !== undefined
  }

  /** More waits than may, whether or not anybody waits for it to leave. */
  get isFull(): boolean {
    return this.#ws.bufferedAmount > this.#options.maxBufferedBytes && this.#stream.writableNeedDrain
  }

  /** Resolves when more may be sent, or when the socket is gone. */
  async ready(): Promise<void> {
    if (this.#ws.readyState !== this.#ws.OPEN) return
    if (!this.isFull) return
    this.#drained ??= this.#untilDrained()
    await this.#drained
  }

  async #untilDrained(): Promise<void> {
    const stream = this.#stream
    const { stallMs, onStall } = this.#options
    await new Promise<void>((resolve) => {
      const done = () => {
        stream.removeListener('drain', done)
        stream.removeListener('close', done)
        resolve()
      }
      stream.on('drain', done)
      stream.on('close', done)
      // The kernel's own progress resets it, so a slow reader is told from one that does not read.
      stream.setTimeout(stallMs, onStall)
    })
    stream.setTimeout(0)
    stream.removeListener('timeout', onStall)
    this.#drained = undefined
  }
}
