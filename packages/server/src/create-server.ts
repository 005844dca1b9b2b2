import type { Krown, KrownConfig } from '@krown/core'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Logger } from 'pino'
import openApiDocument from '../openapi.json' with { type: 'json' }
import { UnderWay } from './load/under-way.js'
import { answerErrors } from './transport/answer-errors.js'
import { acceptJsonOnly } from './transport/body.js'
import { decorateCalls } from './transport/call.js'
import { addCors } from './transport/cors.js'
import { mountDocs } from './transport/docs.js'
import { mountHealth } from './transport/health.js'
import { createHttp, DEFAULT_HTTP_LIMITS, type HttpLimits } from './transport/http.js'
import { krownProtocol } from './transport/krown-websocket.js'
import { refuseUnknownRoutes, watchRoutes } from './transport/not-found.js'
import { mountRecordingDownload } from './transport/recording-download.js'
import { logRequest } from './transport/request-log.js'
import { mountRest } from './transport/rest.js'
import { addSecurityHeaders } from './transport/security-headers.js'
import { mountTrpcHttp } from './transport/trpc-http.js'
import { trpcProtocol } from './transport/trpc-websocket.js'
import { mountWebSockets } from './transport/ws/accept.js'
import { DEFAULT_SOCKET_SETTINGS, type SocketSettings } from './transport/ws/socket-settings.js'

export interface KrownPluginOptions {
  readonly krown: Krown
  /** Default: the one that `krown` was made with. */
  readonly config?: KrownConfig
  /** Default: the application's own. */
  readonly logger?: Logger
  /** Bounds on WebSockets; what is left out has its default. */
  readonly sockets?: Partial<SocketSettings>
}

export interface KrownServerOptions extends KrownPluginOptions {
  readonly config: KrownConfig
  readonly logger: Logger
  /** Bounds on connections; what is left out has its default. */
  readonly http?: Partial<HttpLimits>
}

/**
 * The server with all its routes. It listens nowhere and closes nothing but itself: `listen`, and `close` before
 * `krown.close()`, are the caller's.
 */
export async function createKrownServer(options: KrownServerOptions): Promise<FastifyInstance> {
  const app = createHttp(options.config, { ...DEFAULT_HTTP_LIMITS, ...options.http })
  const allowedMethods = watchRoutes(app)
  await krownPlugin(app, options)
  refuseUnknownRoutes(app, allowedMethods)
  return app
}

/**
 * The same routes for a Fastify application of your own, below its prefix: REST, tRPC and both WebSockets. What its
 * server and router refuse by themselves, and how long it lets clients take, stays its affair. Tell Krown where you
 * listen, so that no session leads back to you: `krown.protect({host, port})`.
 *
 * Upgrades to WebSockets that are not Krown's are left to whoever listens for them.
 *
 * @example
 * await app.register(krownPlugin, { krown, prefix: '/ops' })
 */
export const krownPlugin: FastifyPluginAsync<KrownPluginOptions> = async (app, options) => {
  const { krown, config = krown.config } = options
  // Fastify's own has the methods that are used here.
  const logger = options.logger ?? (app.log as unknown as Logger)
  const underWay = new UnderWay()
  decorateCalls(app, krown, underWay)
  addCommonHeaders(app, krown)
  await addSecurityHeaders(app, { tls: config.server.tlsCert !== '' })
  await addCors(app, config.server.corsOrigins)
  acceptJsonOnly(app)
  answerErrors(app, logger)
  app.addHook('onResponse', (request, reply, next) => {
    logRequest(logger, request, reply)
    next()
  })
  await mountRest(app, config)
  mountRecordingDownload(app, krown, logger)
  await mountTrpcHttp(app, { logger, bodyLimit: config.limits.body })
  const settings = { ...DEFAULT_SOCKET_SETTINGS, ...options.sockets }
  const parts = { krown, config, logger, settings, underWay }
  mountWebSockets(app, [trpcProtocol(parts), krownProtocol(parts)], parts)
  mountHealth(app, krown)
  await mountDocs(app, openApiDocument)
}

function addCommonHeaders(app: FastifyInstance, krown: Krown): void {
  app.addHook('onRequest', (request, reply, next) => {
    reply.header('x-request-id', request.id)
    reply.header('cache-control', 'no-store')
    // Whoever comes back should find the next process.
    if (krown.draining) reply.header('connection', 'close')
    next()
  })
}
