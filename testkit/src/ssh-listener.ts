import { createServer, type Socket } from 'node:net'
import ssh2, { type Connection, type ServerConfig } from 'ssh2'
import { listenOnLoopback } from './free-port.js'
import { generateKey, type KeyPair } from './keys.js'

export interface SshListenerOptions extends Omit<ServerConfig, 'hostKeys'> {
  /** Default: one new ed25519 key. */
  hostKeys?: KeyPair[]
  /** As soon as TCP is accepted. */
  onSocket?: (socket: Socket) => void
  /** Once the client has sent its identification. */
  onClient: (client: Connection, socket: Socket) => void
}

/** ssh2's server behind a TCP listener of our own, so that sockets can be seen, reset and counted. */
export class SshListener implements AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly sockets = new Set<Socket>()
  readonly #options: SshListenerOptions
  readonly #tcp = createServer((socket) => this.#accept(socket))
  #hostKeys: KeyPair[]
  #ssh: ssh2.Server
  #port = 0

  constructor(options: SshListenerOptions) {
    this.#options = options
    this.#hostKeys = options.hostKeys ?? [generateKey()]
    this.#ssh = this.#createServer()
  }

  get port(): number {
    return this.#port
  }

  get hostKeyFingerprints(): string[] {
    return this.#hostKeys.map((key) => key.fingerprint)
  }

  async start(): Promise<void> {
    this.#port = await listenOnLoopback(this.#tcp)
  }

  /** The keys shown to connections from now on. */
  setHostKeys(keys: KeyPair[]): void {
    this.#hostKeys = keys
    this.#ssh = this.#createServer()
  }

  async stop(): Promise<void> {
    if (!this.#tcp.listening) return
    const closed = new Promise<void>((resolve) => this.#tcp.close(() => resolve()))
    for (const socket of this.sockets) socket.destroy()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #accept(socket: Socket): void {
    this.sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.once('close', () => this.sockets.delete(socket))
    this.#options.onSocket?.(socket)
    this.#ssh.injectSocket(socket)
  }

  #createServer(): ssh2.Server {
    const { onClient, onSocket: _, ...config } = this.#options
    const hostKeys = this.#hostKeys.map(({ privateKey: key, passphrase }) => ({ key, passphrase }))
    return new ssh2.Server({ ...config, hostKeys }, (client, info) => {
      client.on('error', () => undefined)
      const socket = [...this.sockets].find((candidate) => candidate.remotePort === info.port)
      if (socket) onClient(client, socket)
    })
  }
}
