import { KrownError } from '../errors/krown-error.js'
import type { Credential } from './authenticator.js'
import type { SshAuth, SshConnection, SshConnector, SshConnectRequest } from './connector.js'
import type { DialQueue } from './dial-queue.js'
import type { Dialer } from './dialer.js'
import { Handshake, type Handshaken, type HandshakeOptions } from './handshake.js'
import type { KeepaliveSweep } from './keepalive-sweep.js'
import type { PrivateKeyReader } from './private-key.js'
import { type ConnectionOptions, Ssh2Connection } from './ssh2-connection.js'

export interface Ssh2ConnectorParts {
  readonly queue: DialQueue
  readonly dialer: Dialer
  readonly keys: PrivateKeyReader
  readonly sweep: KeepaliveSweep
  readonly handshake: HandshakeOptions
  readonly connection: Omit<ConnectionOptions, 'onClosed'>
}

/** Puts the steps of a connection in their order, and knows every connection there is. */
export class Ssh2Connector implements SshConnector {
  readonly #parts: Ssh2ConnectorParts
  readonly #connectionOptions: ConnectionOptions
  readonly #attempts = new Set<AbortController>()
  readonly #connections = new Set<Ssh2Connection>()
  #closing: KrownError | null = null

  constructor(parts: Ssh2ConnectorParts) {
    this.#parts = parts
    this.#connectionOptions = { ...parts.connection, onClosed: (connection) => this.#forget(connection) }
  }

  async connect(request: SshConnectRequest): Promise<SshConnection> {
    if (this.#closing) throw this.#closing
    const attempt = new AbortController()
    const onAbort = () => attempt.abort(request.signal?.reason)
    if (request.signal?.aborted) onAbort()
    request.signal?.addEventListener('abort', onAbort, { once: true })
    this.#attempts.add(attempt)
    try {
      return await this.#connect(request, attempt.signal)
    } finally {
      this.#attempts.delete(attempt)
      request.signal?.removeEventListener('abort', onAbort)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= new KrownError('DRAINING', 'no new connections: shutting down')
    for (const attempt of this.#attempts) attempt.abort(this.#closing)
    const reason = new KrownError('SESSION_LOST', 'the connection was closed: shutting down')
    await Promise.all([...this.#connections].map((connection) => connection.close(reason)))
  }

  async #connect(request: SshConnectRequest, signal: AbortSignal): Promise<SshConnection> {
    signal.throwIfAborted()
    // Never past the jump hosts.
    if (request.via) throw new KrownError('UNAVAILABLE', 'jump hosts are not supported yet')
    // First, so that a key that cannot be read leaves no trace on the target.
    const credential = await this.#readCredential(request.auth, signal)
    const target = `${request.host.toLowerCase()}:${request.port}`
    const endTurn = await this.#parts.queue.enter(target, signal)
    try {
      const socket = await this.#parts.dialer.dial(request, signal)
      const { username, legacyAlgorithms } = request
      const verifyHostKey: SshConnectRequest['verifyHostKey'] = (key) => request.verifyHostKey(key)
      const adopt = (handshaken: Handshaken) => this.#adopt(handshaken)
      const login = { username, credential, legacyAlgorithms, verifyHostKey, signal, adopt }
      return await new Handshake(socket, login, this.#parts.handshake).run()
    } finally {
      endTurn()
    }
  }

  async #readCredential(auth: SshAuth, signal: AbortSignal): Promise<Credential> {
    if (auth.method === 'password') return auth
    return { method: 'key', key: await this.#parts.keys.read(auth, signal) }
  }

  #adopt(handshaken: Handshaken): Ssh2Connection {
    const connection = new Ssh2Connection(handshaken, this.#connectionOptions)
    this.#connections.add(connection)
    this.#parts.sweep.watch(connection)
    return connection
  }

  #forget(connection: Ssh2Connection): void {
    this.#connections.delete(connection)
    this.#parts.sweep.forget(connection)
  }
}
