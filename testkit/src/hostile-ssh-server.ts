import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Connection } from 'ssh2'
import type { AuthAttempt, AuthPolicy } from './auth-policy.js'
import { AuthScript } from './auth-script.js'
import { HostileConnection } from './hostile-connection.js'
import { serveForwards } from './hostile-forward.js'
import type { HostileSshServerOptions } from './hostile-options.js'
import { type SessionRecords, serveSession } from './hostile-session.js'
import { generateKey, type KeyPair } from './keys.js'
import { SshListener } from './ssh-listener.js'

/** Starts a scriptable SSH server (ssh2) on 127.0.0.1. */
export async function startHostileSshServer(
  options: HostileSshServerOptions = {},
): Promise<HostileSshServer> {
  const server = new HostileSshServer(options)
  await server.start()
  return server
}

export class HostileSshServer implements AsyncDisposable, SessionRecords {
  readonly host = '127.0.0.1'
  readonly username = 'krown'
  readonly password = randomBytes(12).toString('base64url')
  readonly privateKey: string
  /** Every attempt that reached us, `none` included. */
  readonly authAttempts: AuthAttempt[] = []
  readonly execs: { command: string; connectionId: number }[] = []
  readonly resizes: { columns: number; rows: number }[] = []
  /** Signal requests, `TERM` without SIG. */
  readonly signals: string[] = []
  readonly #options: HostileSshServerOptions
  readonly #auth: AuthPolicy
  readonly #listener: SshListener
  readonly #ids = new WeakMap<Socket, number>()
  readonly #open = new Map<Socket, HostileConnection>()
  #connectionCount = 0

  constructor(options: HostileSshServerOptions) {
    const clientKey = generateKey()
    const { hostKeys, algorithms, ident, banner } = options
    this.#options = options
    this.privateKey = clientKey.privateKey
    this.#auth = options.auth ?? {
      username: this.username,
      password: this.password,
      publicKeys: [clientKey.publicKey],
    }
    this.#listener = new SshListener({
      hostKeys,
      algorithms,
      ident,
      banner,
      onSocket: (socket) => this.#ids.set(socket, ++this.#connectionCount),
      onClient: (client, socket) => this.#serve(client, socket),
    })
  }

  get port(): number {
    return this.#listener.port
  }

  get hostKeyFingerprints(): string[] {
    return this.#listener.hostKeyFingerprints
  }

  get hostKeyFingerprint(): string {
    return this.hostKeyFingerprints[0] ?? ''
  }

  /** TCP connections ever accepted. */
  get connectionCount(): number {
    return this.#connectionCount
  }

  /** Open ones that have sent their identification. */
  get connections(): HostileConnection[] {
    return [...this.#open.values()]
  }

  async start(): Promise<void> {
    await this.#listener.start()
  }

  /** Shows another host key to connections from now on and returns it. */
  replaceHostKey(key: KeyPair = generateKey()): KeyPair {
    this.#listener.setHostKeys([key])
    return key
  }

  /** Closes every TCP connection without an SSH disconnect message. */
  dropConnections(): void {
    for (const socket of this.#listener.sockets) socket.destroy()
  }

  /** Ends every TCP connection with RST. */
  resetConnections(): void {
    for (const socket of this.#listener.sockets) socket.resetAndDestroy()
  }

  stop(): Promise<void> {
    return this.#listener.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #serve(client: Connection, socket: Socket): void {
    const connection = new HostileConnection(this.#ids.get(socket) ?? 0, client, socket)
    this.#open.set(socket, connection)
    socket.once('close', () => this.#open.delete(socket))
    if (this.#options.stallAt === 'handshake') client.once('handshake', () => connection.stopAnswering())
    this.#serveAuth(connection)
    this.#serveChannels(connection)
  }

  #serveAuth({ id, client }: HostileConnection): void {
    const auth = new AuthScript(this.#auth, id, (attempt) => this.authAttempts.push(attempt))
    client.on('authentication', (context) => {
      const attempt = auth.note(context)
      if (this.#options.stallAt !== 'auth') void auth.decide(context, attempt)
    })
  }

  #serveChannels(connection: HostileConnection): void {
    const { stallAt, maxChannels = Number.POSITIVE_INFINITY, onForward, ...script } = this.#options
    if (onForward) serveForwards(connection.client, onForward)
    let opened = 0
    connection.client.on('session', (accept, reject) => {
      if (stallAt === 'channel') return
      if (++opened > maxChannels) return reject()
      serveSession(accept(), { ...script, silent: stallAt === 'exec' }, { connection, records: this })
    })
  }
}
