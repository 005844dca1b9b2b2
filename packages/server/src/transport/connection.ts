import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { addressKey } from '@krown/core'

/** A connection to the server, and the requests on it that have no answer yet. */
export class Connection {
  readonly socket: Socket
  /** Whose it is. */
  readonly address: string
  readonly #openedAt = performance.now()
  readonly #exchanges = new Map<IncomingMessage, ServerResponse>()
  #wasUsed = false

  constructor(socket: Socket) {
    this.socket = socket
    this.address = addressKey(socket.remoteAddress ?? '')
  }

  get unanswered(): number {
    return this.#exchanges.size
  }

  get ageMs(): number {
    return performance.now() - this.#openedAt
  }

  /** Something is being done for its client. What only waits to be taken is done. */
  get isBusy(): boolean {
    return [...this.#exchanges].some(([request, response]) => request.complete && !response.writableEnded)
  }

  /** Its client owes the first request, or the rest of one. */
  get isHalfOpen(): boolean {
    if (this.isBusy) return false
    if (this.#exchanges.size === 0) return !this.#wasUsed
    return [...this.#exchanges.keys()].some((request) => !request.complete)
  }

  begin(request: IncomingMessage, response: ServerResponse): void {
    this.#exchanges.set(request, response)
  }

  end(request: IncomingMessage): void {
    this.#wasUsed ||= request.complete
    this.#exchanges.delete(request)
  }
}
