import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Made once: the reason that `abort` gives by itself is an error with a stack, made anew for each request. */
export const OVER = new DOMException('the request is over', 'AbortError')

/**
 * Tells when requests are over: the answer was taken, or its client is gone. Node itself tells the latter only of the
 * one answer of a connection that is being sent, and not of those in line behind it.
 */
export class RequestEnds {
  readonly #open = new WeakMap<Socket, Set<AbortController>>()

  /** Aborts when the request is over. */
  signalOf({ raw: { socket } }: FastifyRequest, { raw: response }: FastifyReply): AbortSignal {
    const end = new AbortController()
    const open = this.#ofConnection(socket)
    open.add(end)
    response.once('close', () => {
      open.delete(end)
      end.abort(OVER)
    })
    if (socket.destroyed) end.abort(OVER)
    return end.signal
  }

  #ofConnection(socket: Socket): Set<AbortController> {
    const known = this.#open.get(socket)
    if (known) return known
    const open = new Set<AbortController>()
    this.#open.set(socket, open)
    socket.once('close', () => {
      for (const end of open) end.abort(OVER)
    })
    return open
  }
}
