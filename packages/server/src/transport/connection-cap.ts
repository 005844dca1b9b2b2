import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { Connection } from './connection.js'

/** Refusals under way on top of the cap; beyond that the kernel's queue has to wait. */
const SLACK = 256

export interface ConnectionLimits {
  readonly maxConnections: number
  /** Without a complete request, of one address; Infinity where one address stands for many clients. */
  readonly maxHalfOpen: number
  /** A connection younger than that counts as half-open only when there is no room at all. */
  readonly halfOpenGraceMs: number
  /** Requests without an answer on one connection; one more ends it. */
  readonly maxPipelined: number
}

/**
 * Bounds the open connections of a server and what is asked on each. One too many costs those of an address that
 * has more than its share of half-open ones, else the one that has been idle for longest, so that holding thousands
 * open keeps nobody out; when all are busy, the new one is turned away.
 */
export class ConnectionCap {
  readonly #limits: ConnectionLimits
  /** By the peer's end, in the order in which they were last used. */
  readonly #open = new Map<string, Connection>()
  /** In the order in which they were opened. */
  readonly #ofAddress = new Map<string, Set<Connection>>()

  constructor(server: Server | TlsServer, limits: ConnectionLimits) {
    this.#limits = limits
    server.maxConnections = limits.maxConnections + SLACK
    // With TLS it is the socket below, which requests do not name: hence the look-up by the peer's end.
    server.on('connection', (socket: Socket) => this.#admit(socket))
    // Before whoever answers.
    server.prependListener('request', (request, response) => this.#begin(request, response))
  }

  #admit(socket: Socket): void {
    const connection = new Connection(socket)
    this.#dropHalfOpen(connection.address, this.#limits.halfOpenGraceMs)
    if (this.#isFull) this.#makeRoom()
    if (this.#isFull) socket.destroy()
    else this.#add(endOf(socket), connection)
  }

  get #isFull(): boolean {
    return this.#open.size >= this.#limits.maxConnections
  }

  #add(end: string, connection: Connection): void {
    const ofAddress = this.#ofAddress.get(connection.address) ?? new Set()
    this.#ofAddress.set(connection.address, ofAddress.add(connection))
    this.#open.set(end, connection)
    connection.socket.once('close', () => this.#remove(end, connection))
  }

  #remove(end: string, connection: Connection): void {
    if (this.#open.get(end) === connection) this.#open.delete(end)
    const ofAddress = this.#ofAddress.get(connection.address)
    ofAddress?.delete(connection)
    if (ofAddress?.size === 0) this.#ofAddress.delete(connection.address)
  }

  #makeRoom(): void {
    for (const address of this.#ofAddress.keys()) this.#dropHalfOpen(address, 0)
    if (!this.#isFull) return
    for (const connection of this.#open.values()) {
      if (connection.isBusy) continue
      this.#drop(connection)
      return
    }
  }

  /** The oldest go. */
  #dropHalfOpen(address: string, minAgeMs: number): void {
    const ofAddress = this.#ofAddress.get(address)
    if (ofAddress === undefined || ofAddress.size <= this.#limits.maxHalfOpen) return
    const halfOpen = [...ofAddress].filter(({ isHalfOpen, ageMs }) => ageMs >= minAgeMs && isHalfOpen)
    const tooMany = Math.max(0, halfOpen.length - this.#limits.maxHalfOpen)
    for (const connection of halfOpen.slice(0, tooMany)) this.#drop(connection)
  }

  #drop(connection: Connection): void {
    this.#remove(endOf(connection.socket), connection)
    connection.socket.destroy()
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const connection = this.#open.get(endOf(socket))
    if (!connection) return
    connection.begin(request, response)
    response.once('close', () => {
      connection.end(request)
      this.#touch(endOf(socket), connection)
    })
    if (connection.unanswered > this.#limits.maxPipelined) socket.destroy()
  }

  #touch(end: string, connection: Connection): void {
    if (this.#open.get(end) !== connection) return
    this.#open.delete(end)
    this.#open.set(end, connection)
  }
}

function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
