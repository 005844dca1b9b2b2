import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'

/** Handshakes and refusals under way on top of the cap; beyond that the kernel's queue has to wait. */
const SLACK = 256

/**
 * Bounds the open connections of a server. One too many costs the connection that has been idle for longest its
 * place, so that holding thousands open keeps nobody out; when all are busy, the new one is turned away.
 */
export class ConnectionCap {
  readonly #max: number
  /** Requests under way per socket, in the order in which the sockets were last used. */
  readonly #open = new Map<Socket, number>()

  constructor(server: Server | TlsServer, max: number) {
    this.#max = max
    server.maxConnections = max + SLACK
    // The socket that requests name is the one inside TLS.
    server.on('setSecureContext' in server ? 'secureConnection' : 'connection', (socket: Socket) =>
      this.#admit(socket),
    )
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#count(request.socket, 1)
      response.once('close', () => this.#count(request.socket, -1))
    })
  }

  get size(): number {
    return this.#open.size
  }

  #admit(socket: Socket): void {
    if (this.#open.size >= this.#max) this.#dropIdle()
    if (this.#open.size >= this.#max) {
      socket.destroy()
      return
    }
    this.#open.set(socket, 0)
    socket.once('close', () => this.#open.delete(socket))
  }

  #dropIdle(): void {
    for (const [socket, requests] of this.#open) {
      if (requests > 0) continue
      this.#open.delete(socket)
      socket.destroy()
      return
    }
  }

  #count(socket: Socket, change: 1 | -1): void {
    const requests = this.#open.get(socket)
    if (requests === undefined) return
    this.#open.delete(socket)
    this.#open.set(socket, requests + change)
  }
}
