import type { Socket } from 'node:net'
import type { Connection } from 'ssh2'

/** One TCP connection of the hostile server and what can be done to it. */
export class HostileConnection {
  readonly id: number
  readonly client: Connection
  readonly socket: Socket

  constructor(id: number, client: Connection, socket: Socket) {
    this.id = id
    this.client = client
    this.socket = socket
  }

  /** Closes TCP without an SSH disconnect message. */
  drop(): void {
    this.socket.destroy()
  }

  /** Ends TCP with RST. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Half-open: reads nothing more and holds back what would be sent. TCP stays. */
  stopAnswering(): void {
    this.socket.pause()
    this.socket.cork()
  }

  resumeAnswering(): void {
    this.socket.uncork()
    this.socket.resume()
  }
}
