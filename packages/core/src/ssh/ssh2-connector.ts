import { type Cancellation, startCancellation } from '../base/cancellation.js'
import { KrownError } from '../errors/krown-error.js'
import type {
  PresentedHostKey,
  SshConnection,
  SshConnector,
  SshConnectRequest,
  SshProbeRequest,
} from './connector.js'
import type { Handshaken } from './handshake.js'
import type { KeepaliveSweep } from './keepalive-sweep.js'
import { type Arrive, RouteDialer, type RouteDialerParts } from './route-dialer.js'
import { type ConnectionOptions, type ConnectionPlace, Ssh2Connection } from './ssh2-connection.js'
import { type StopLogin, stopsOf } from './stops.js'

export interface Ssh2ConnectorParts {
  readonly route: RouteDialerParts
  readonly sweep: KeepaliveSweep
  readonly connection: Omit<ConnectionOptions, 'onClosed'>
}

/** What a connection and a probe have in common. */
type Destination = Pick<SshConnectRequest, 'checkAddresses' | 'via' | 'signal'>

/** Knows every connection and every attempt there is. */
export class Ssh2Connector implements SshConnector {
  readonly #dialer: RouteDialer
  readonly #sweep: KeepaliveSweep
  readonly #connectionOptions: ConnectionOptions
  readonly #attempts = new Set<Cancellation>()
  /** Without those that carry another one, which closes them. */
  readonly #connections = new Set<Ssh2Connection>()
  #closing: KrownError | null = null

  constructor({ route, sweep, connection }: Ssh2ConnectorParts) {
    this.#dialer = new RouteDialer(route)
    this.#sweep = sweep
    this.#connectionOptions = { ...connection, onClosed: (closed) => this.#forget(closed) }
  }

  connect(request: SshConnectRequest): Promise<SshConnection> {
    return this.#reach(request, request, this.#adopt)
  }

  probeHostKey(request: SshProbeRequest): Promise<PresentedHostKey> {
    const { host, port, legacyAlgorithms, hostKeyTypes, hostKeyFingerprints } = request
    const verifyHostKey = async () => undefined
    const offer = { legacyAlgorithms, hostKeyTypes, hostKeyFingerprints }
    const login = { host, port, ...offer, username: '', auth: null, verifyHostKey }
    return this.#reach(login, request, hangUp)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= new KrownError('DRAINING', 'no new connections: shutting down')
    for (const attempt of this.#attempts) attempt.abort(this.#closing)
    const reason = new KrownError('SESSION_LOST', 'the connection was closed: shutting down')
    await Promise.all([...this.#connections].map((connection) => connection.close(reason)))
  }

  async #reach<Result>(login: StopLogin, to: Destination, arrive: Arrive<Result>): Promise<Result> {
    if (this.#closing) throw this.#closing
    using attempt = startCancellation(to.signal)
    const { signal } = attempt
    signal.throwIfAborted()
    this.#attempts.add(attempt)
    try {
      const checkAddresses: Destination['checkAddresses'] = (resolved) => to.checkAddresses(resolved)
      const stops = stopsOf(login, to.via)
      return await this.#dialer.reach({ ...stops, signal, checkAddresses, pass: this.#adopt, arrive })
    } finally {
      this.#attempts.delete(attempt)
    }
  }

  readonly #adopt = (handshaken: Handshaken, place: ConnectionPlace): Ssh2Connection => {
    const connection = new Ssh2Connection(handshaken, place, this.#connectionOptions)
    if (place.carrier) this.#connections.delete(place.carrier)
    this.#connections.add(connection)
    this.#sweep.watch(connection)
    return connection
  }

  #forget(connection: Ssh2Connection): void {
    this.#connections.delete(connection)
    this.#sweep.forget(connection)
  }
}

/** Ends the way of a probe, having sent nothing but what leads to the key. */
function hangUp({ client, link, hostKey }: Handshaken, { carrier }: ConnectionPlace): PresentedHostKey {
  client.on('error', () => undefined)
  link.destroy()
  void carrier?.close(new KrownError('SESSION_LOST', 'only the host key was wanted'))
  return hostKey
}
