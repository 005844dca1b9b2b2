import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { KrownConfig } from '@krown/core'
import Fastify, { type FastifyInstance } from 'fastify'
import { ConnectionCap } from './connection-cap.js'
import {
  answerClientError,
  bareHeaders,
  httpErrorToKrown,
  refuseConnect,
  refuseExpectation,
} from './http-errors.js'
import { sendProblem } from './send-problem.js'

/** Bounds on slow and idle peers, milliseconds, and on how many there are. */
export interface HttpLimits {
  /** From the first byte to the end of the headers; also the TLS handshake. */
  readonly headersTimeoutMs: number
  /** From the first byte to the end of the body. */
  readonly requestTimeoutMs: number
  /** How long a client may take nothing of an answer that is there. */
  readonly answerTimeoutMs: number
  /** Between two requests on one connection. */
  readonly keepAliveTimeoutMs: number
  /** How often the first two are looked at. */
  readonly checkIntervalMs: number
  readonly maxConnections: number
  /** How long a connection may be without a complete request before it counts towards those of its address. */
  readonly halfOpenGraceMs: number
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  answerTimeoutMs: 30_000,
  keepAliveTimeoutMs: 5000,
  checkIntervalMs: 5000,
  maxConnections: 4096,
  halfOpenGraceMs: 1000,
}

/** Of one address, once they are older than the grace. */
const MAX_HALF_OPEN = 20
/** Hardly any client sends a second request before the answer to the first; no honest one sends so many. */
const MAX_PIPELINED = 16

/** Longer path segments than any id; the schema of the id says what is wrong with them. */
const MAX_PARAMETER_LENGTH = 8192

/** A Fastify instance that listens nowhere yet and has no routes. */
export function createHttp(config: KrownConfig, limits: HttpLimits): FastifyInstance {
  const app = Fastify({
    ...serverOptions(config, limits),
    logger: false,
    bodyLimit: config.limits.body,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    trustProxy: config.server.trustProxy.length > 0 ? [...config.server.trustProxy] : false,
    // Nothing from outside: an id that a caller chose could name another request in the log.
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    // While it closes, what still arrives is answered like during the drain before.
    return503OnClosing: false,
    routerOptions: {
      maxParamLength: MAX_PARAMETER_LENGTH,
      // Each route reads its own.
      querystringParser: () => ({}),
    },
    frameworkErrors: (error, request, reply) => {
      sendProblem(reply.headers(bareHeaders(request.id)), httpErrorToKrown(error))
    },
    clientErrorHandler: answerClientError,
  }) as unknown as FastifyInstance
  app.server.on('connect', refuseConnect)
  app.server.on('checkExpectation', refuseExpectation)
  // What was sent in one go is parsed to its end, also after the connection was ended for it.
  app.addHook('onRequest', ({ raw }, reply, next) => {
    if (raw.socket.destroyed) reply.hijack()
    else next()
  })
  // From here on only the reader can hold things up; a handler may take as long as its command does.
  app.addHook('onSend', async ({ raw }) => {
    // What `inject` makes up for a socket has none.
    raw.socket.setTimeout?.(limits.answerTimeoutMs)
  })
  new ConnectionCap(app.server as Server | TlsServer, {
    ...limits,
    maxPipelined: MAX_PIPELINED,
    // A proxy has one address for all its clients.
    maxHalfOpen: config.server.trustProxy.length > 0 ? Number.POSITIVE_INFINITY : MAX_HALF_OPEN,
  })
  return app
}

function serverOptions({ server }: KrownConfig, limits: HttpLimits) {
  const options = {
    headersTimeout: limits.headersTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
  }
  if (server.tlsCert === '') return { http: options }
  return {
    https: {
      ...options,
      cert: readFileSync(server.tlsCert),
      key: readFileSync(server.tlsKey),
      handshakeTimeout: limits.headersTimeoutMs,
      minVersion: 'TLSv1.2' as const,
    },
  }
}
