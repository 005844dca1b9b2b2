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
  #progress = 0
  #movedAt = 0

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

  /** To be called now and then while it is blocked: what the peer sends meanwhile is no progress. */
  look(): void {
    const progress = progressOf(this.#stream)
    if (progress !== this.#progress) this.#moved(progress)
    else if (performance.now() - this.#movedAt >= this.#options.stallMs) this.#options.onStall()
  }

  #moved(progress: number): void {
    this.#progress = progress
    this.#movedAt = performance.now()
  }

  async #untilDrained(): Promise<void> {
    const stream = this.#stream
    this.#moved(progressOf(stream))
    await new Promise<void>((resolve) => {
      const done = () => {
        stream.removeListener('drain', done)
        stream.removeListener('close', done)
        resolve()
      }
      stream.on('drain', done)
      stream.on('close', done)
    })
    this.#drained = undefined
  }
}

/**
 * Another number whenever the kernel took something. What it took of a write that is not done, which may be of a
 * mebibyte, only the handle knows: without that a slow reader would pass for one that does not read.
 */
function progressOf(
  stream: Socket & { readonly _handle?: { readonly writeQueueSize?: number } | null },
): number {
  const { bytesWritten, writableLength } = stream
  const done = bytesWritten - writableLength
  return done - (stream._handle?.writeQueueSize ?? 0)
}
