import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { answerClientError } from '../http-errors.js'

/** A connection that asks to become a WebSocket. */
export interface Upgrade {
  readonly stream: Socket
  /** What came after the headers already. */
  readonly head: Buffer
}

/**
 * The one listener for upgrades. It passes each on as an ordinary request, so that hooks, router and refusals are those
 * of every other; the route that takes it gets the connection from here.
 */
export class Upgrades {
  readonly #waiting = new WeakMap<IncomingMessage, Upgrade>()

  /** @param paths Whose upgrades are ours where others listen for upgrades too. */
  constructor(app: FastifyInstance, paths: readonly string[]) {
    const { server } = app
    const onUpgrade = (request: IncomingMessage, stream: Socket, head: Buffer) => {
      const [path = ''] = (request.url ?? '').split('?')
      if (paths.includes(path) || server.listenerCount('upgrade') === 1)
        this.#pass(server, request, { stream, head })
    }
    server.on('upgrade', onUpgrade)
    app.addHook('onClose', async () => void server.removeListener('upgrade', onUpgrade))
  }

  /** The connection of a request that came as an upgrade to a WebSocket. */
  find({ raw }: FastifyRequest): Upgrade | undefined {
    return this.#waiting.get(raw)
  }

  #pass(server: FastifyInstance['server'], request: IncomingMessage, upgrade: Upgrade): void {
    const { stream } = upgrade
    stream.on('error', () => stream.destroy())
    // Nobody reads a body any more: a request that has one would wait for it for ever.
    if (request.method !== 'GET') {
      answerClientError(new Error('an upgrade with a body'), stream)
      return
    }
    if (request.headers.upgrade?.toLowerCase() === 'websocket') this.#waiting.set(request, upgrade)
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(stream)
    response.once('finish', () => stream.destroySoon())
    server.emit('request', request, response)
  }
}
