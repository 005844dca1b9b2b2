import type { Krown } from '@krown/core'
import { type Encoder, getWSConnectionHandler } from '@trpc/server/adapters/ws'
import type { Logger } from 'pino'
import type { WebSocket, WebSocketServer } from 'ws'
import { toKrownError } from '../errors/error-mapping.js'
import type { UnderWay } from '../load/under-way.js'
import { appRouter } from '../trpc/app-router.js'
import { CallContext } from '../trpc/context.js'
import { logFailure } from './answer-errors.js'
import { parseJsonText } from './json-body.js'
import { MAX_TRPC_BATCH } from './trpc-calls.js'
import { TRPC_PATH } from './trpc-http.js'
import type { SocketProtocol } from './ws/accept.js'
import { CLOSE } from './ws/close-codes.js'
import type { LiveSocket } from './ws/live-socket.js'

const MAX_FRAME_BYTES = 256 * 1024

/** Frames are held to the rules of a REST body; binary ones are none of tRPC's. Each call in a batch counts. */
function strictJson(socket: LiveSocket): Encoder {
  return {
    encode: (data) => JSON.stringify(data),
    decode: (data) => {
      if (typeof data !== 'string') throw new TypeError('not a text frame')
      const message = parseJsonText(data)
      socket.countCalls(Array.isArray(message) ? message.length : 1)
      // What it was closed for is not begun.
      if (!socket.isOpen) throw new TypeError('the socket is closed')
      return message
    },
  }
}

interface TrpcProtocolParts {
  readonly krown: Krown
  readonly logger: Logger
  readonly underWay: UnderWay
}

/** All of tRPC over one WebSocket, as `wsLink` speaks it; subscriptions exist only here. */
export function trpcProtocol({ krown, logger, underWay }: TrpcProtocolParts): SocketProtocol {
  return {
    path: TRPC_PATH,
    maxPayload: MAX_FRAME_BYTES,
    announceRestart: (ws) => ws.send(JSON.stringify({ id: null, method: 'reconnect' })),
    serve: (socket, ws, request) => {
      try {
        serve({ krown, logger, underWay, socket, ws }, request)
      } catch {
        // The adapter reads the request's URL and Host, which may be anything.
        socket.close(CLOSE.malformed, 'the request is not valid')
      }
    },
  }
}

function serve(
  { krown, logger, underWay, socket, ws }: TrpcProtocolParts & { socket: LiveSocket; ws: WebSocket },
  request: Parameters<ReturnType<typeof getWSConnectionHandler>>[1],
): void {
  const call = new CallContext({ krown, origin: socket.origin, socket, underWay })
  let hasContext = false
  const connect = getWSConnectionHandler({
    // Only `applyWSSHandler` looks at it.
    wss: undefined as unknown as WebSocketServer,
    router: appRouter,
    maxBatchSize: MAX_TRPC_BATCH,
    experimental_encoder: strictJson(socket),
    createContext: async ({ info }) => {
      hasContext = true
      const token = info.connectionParams?.token
      // A refusal is told by the procedures: an error here would reach no caller.
      if (token !== undefined) await socket.authenticate(token).catch(() => {})
      return { call }
    },
    onError: ({ error, path }) => {
      if (!hasContext) socket.close(CLOSE.malformed, 'malformed connection parameters')
      // Without a path it is about the peer's frames.
      if (path !== undefined) logFailure(logger, toKrownError(error), socket.origin.requestId)
    },
  })
  connect(ws, request)
}
