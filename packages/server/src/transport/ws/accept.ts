import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { addressKey, type Krown, type KrownConfig, KrownError } from '@krown/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'
import { clientIpOf, originOf } from '../call.js'
import { requireKnownOrigin } from './check-origin.js'
import { LiveSocket } from './live-socket.js'
import { SocketCounts } from './socket-counts.js'
import type { SocketSettings } from './socket-settings.js'
import { Sockets } from './sockets.js'
import { type Upgrade, Upgrades } from './upgrades.js'

/** A protocol that is spoken over WebSockets. */
export interface SocketProtocol {
  readonly path: string
  /** Largest message, bytes. */
  readonly maxPayload: number
  serve(socket: LiveSocket, ws: WebSocket, request: IncomingMessage): void
  /** Tells the peer that it should connect anew. */
  announceRestart?(ws: WebSocket): void
}

export interface AcceptOptions {
  readonly krown: Krown
  readonly config: KrownConfig
  readonly logger: Logger
  readonly settings: SocketSettings
}

/** A flood is more than would be refused one by one. */
const FLOOD_FACTOR = 2
const MAX_FRAGMENTS = 64

/** Mounts a route for each protocol and keeps what connects there to its bounds. */
export function mountWebSockets(
  app: FastifyInstance,
  protocols: readonly SocketProtocol[],
  options: AcceptOptions,
): void {
  const paths = protocols.map(({ path }) => `${app.prefix}${path}`)
  const acceptor = new Acceptor(new Upgrades(app, paths), options)
  for (const protocol of protocols) acceptor.mount(app, protocol)
  app.addHook('preClose', () => acceptor.close())
}

class Acceptor {
  readonly #upgrades: Upgrades
  readonly #options: AcceptOptions
  readonly #sockets: Sockets
  readonly #ofAddresses: SocketCounts
  readonly #ofUsers: SocketCounts
  #closing = false

  constructor(upgrades: Upgrades, options: AcceptOptions) {
    const { socketsPerAddress, socketsPerUser } = options.config.limits
    this.#upgrades = upgrades
    this.#options = options
    this.#sockets = new Sockets(options)
    this.#ofAddresses = new SocketCounts(socketsPerAddress, 'from this address')
    this.#ofUsers = new SocketCounts(socketsPerUser, 'of this user')
  }

  mount(app: FastifyInstance, protocol: SocketProtocol): void {
    const options: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      maxPayload: protocol.maxPayload,
      maxFragments: MAX_FRAGMENTS,
      perMessageDeflate: false,
      // None is spoken. ws would take the first that is offered and say it back, even if it were a token.
      handleProtocols: () => false,
      closeTimeout: this.#options.settings.closeWithinMs,
    }
    const server = new WebSocketServer(options)
    app.get(protocol.path, async (request, reply) => {
      const upgrade = this.#admit(request)
      reply.hijack()
      reply.raw.detachSocket(upgrade.stream)
      server.handleUpgrade(request.raw, upgrade.stream, upgrade.head, (ws) => {
        const socket = this.#createSocket(request, { ws, stream: upgrade.stream, protocol })
        protocol.serve(socket, ws, request.raw)
      })
    })
  }

  close(): Promise<void> {
    // Clients that were told to come back are back before the server stops listening.
    this.#closing = true
    return this.#sockets.close()
  }

  #admit(request: FastifyRequest): Upgrade {
    const { krown, config } = this.#options
    const upgrade = this.#upgrades.find(request)
    if (!upgrade) throw new KrownError('VALIDATION_FAILED', 'this is a WebSocket: connect with one')
    requireKnownOrigin(request, config.server.corsOrigins)
    if (krown.draining || this.#closing) throw new KrownError('DRAINING', 'Krown is shutting down')
    const giveBack = this.#ofAddresses.take(addressKey(clientIpOf(request) ?? ''))
    if (upgrade.stream.destroyed) giveBack()
    else upgrade.stream.once('close', giveBack)
    return upgrade
  }

  #createSocket(
    request: FastifyRequest,
    { ws, stream, protocol }: { ws: WebSocket; stream: Socket; protocol: SocketProtocol },
  ): LiveSocket {
    const { krown, settings, config } = this.#options
    const { subscriptionsPerSocket, requestsPerActor } = config.limits
    const socket = new LiveSocket({
      krown,
      ws,
      stream,
      settings,
      origin: originOf(request),
      ofUsers: this.#ofUsers,
      maxSubscriptions: subscriptionsPerSocket,
      maxFrames: FLOOD_FACTOR * requestsPerActor * Math.max(1, settings.sweepEveryMs / 1000),
      announceRestart: () => protocol.announceRestart?.(ws),
    })
    this.#sockets.add(socket, this.#logEnd(socket, ws, protocol.path))
    return socket
  }

  /** One line for each socket, when it ends. */
  async #logEnd(socket: LiveSocket, ws: WebSocket, route: string): Promise<void> {
    // Not `once`, which an error before the close would reject.
    const closeCode = await new Promise<number>((resolve) => ws.on('close', resolve))
    const { requestId, clientIp } = socket.origin
    const durationMs = Math.round(socket.ageMs)
    const userId = socket.actor?.userId ?? null
    this.#options.logger.info(
      { route, closeCode, durationMs, requestId, userId, clientIp },
      'websocket closed',
    )
  }
}
