import { isIP } from 'node:net'
import type { CallOrigin, Krown } from '@krown/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { UnderWay } from '../load/under-way.js'
import { CallContext } from '../trpc/context.js'
import { RequestEnds } from './request-ends.js'

const DECORATOR = 'krownCall'
/** Longer ones help nobody; they go into the journal. */
const MAX_USER_AGENT = 256

/** Makes a {@link CallContext} for each request of `app`. */
export function decorateCalls(app: FastifyInstance, krown: Krown, underWay: UnderWay): void {
  const ends = new RequestEnds()
  app.decorateRequest(DECORATOR, null)
  app.addHook('onRequest', (request, reply, next) => {
    const call = new CallContext({
      krown,
      underWay,
      over: ends.signalOf(request, reply),
      origin: originOf(request),
      authorization: request.headers.authorization,
    })
    request.setDecorator(DECORATOR, call)
    next()
  })
}

/** The call that a request is; undefined for what was refused before it became one. */
export function callOf(request: FastifyRequest): CallContext | undefined {
  return request.getDecorator<CallContext | null>(DECORATOR) ?? undefined
}

/** What a proxy calls its client may be anything: if it is no address, the proxy's own stands for it. */
export function clientIpOf({ ip, raw }: FastifyRequest): string | null {
  if (isIP(ip) !== 0 && !ip.includes('%')) return ip
  // Empty when the client is gone already.
  return raw.socket.remoteAddress || null
}

/** Where a request came from; a WebSocket's is that of its upgrade. */
export type RequestOrigin = CallOrigin & { readonly requestId: string }

export function originOf(request: FastifyRequest): RequestOrigin {
  return {
    clientIp: clientIpOf(request),
    requestId: request.id,
    userAgent: request.headers['user-agent']?.slice(0, MAX_USER_AGENT),
  }
}
