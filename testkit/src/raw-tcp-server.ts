import { createServer, type Socket } from 'node:net'
import { listenOnLoopback } from './free-port.js'
import { playRawTcp, type RawTcpMode } from './raw-tcp-modes.js'

export type { RawTcpMode } from './raw-tcp-modes.js'

const KEPT_BYTES = 64 * 1024

/** Starts a TCP server on 127.0.0.1 that plays one fault to each client; all ends at `stop`. */
export async function startRawTcpServer(mode: RawTcpMode): Promise<RawTcpServer> {
  const server = new RawTcpServer(mode)
  await server.start()
  return server
}

export class RawTcpServer implements AsyncDisposable {
  readonly host = '127.0.0.1'
  connectionCount = 0
  /** Handed to the kernel, over all connections. */
  bytesSent = 0
  bytesReceived = 0
  readonly #mode: RawTcpMode
  readonly #server = createServer((socket) => this.#serve(socket))
  readonly #sockets = new Set<Socket>()
  readonly #received: Buffer[] = []
  #port = 0

  constructor(mode: RawTcpMode) {
    this.#mode = mode
  }

  get port(): number {
    return this.#port
  }

  /** The first 64 KiB that clients sent. */
  received(): Buffer {
    return Buffer.concat(this.#received).subarray(0, KEPT_BYTES)
  }

  async start(): Promise<void> {
    this.#port = await listenOnLoopback(this.#server)
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #serve(socket: Socket): void {
    this.connectionCount++
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.once('close', () => this.#sockets.delete(socket))
    socket.on('data', (data) => this.#keep(data))
    playRawTcp(this.#mode, socket, (data) => {
      this.bytesSent += data.length
      socket.write(data)
    })
  }

  #keep(data: Buffer): void {
    if (this.bytesReceived < KEPT_BYTES) this.#received.push(data)
    this.bytesReceived += data.length
  }
}
