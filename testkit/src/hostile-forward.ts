import { connect } from 'node:net'
import type { Connection, ServerChannel } from 'ssh2'

/** What a client wants a jump host to connect to. */
export interface ForwardRequest {
  host: string
  port: number
  accept(): ServerChannel
  /** RFC 4254 §5.1: administratively prohibited. */
  refuse(): void
  /** Connects, as a jump host does. */
  runDefault(): void
}

/** Answers a `direct-tcpip` channel (RFC 4254 §7.2), or leaves it unanswered. */
export type ForwardHandler = (request: ForwardRequest) => void

/** Passes the client's local forwards to the script. */
export function serveForwards(client: Connection, onForward: ForwardHandler): void {
  client.on('tcpip', (accept, refuse, { destIP: host, destPort: port }) => {
    const runDefault = () => passOn(opened(accept), { host, port })
    onForward({ host, port, accept: () => opened(accept), refuse, runDefault })
  })
}

function opened(accept: () => ServerChannel): ServerChannel {
  const channel = accept()
  channel.on('error', () => undefined)
  return channel
}

function passOn(channel: ServerChannel, to: { host: string; port: number }): void {
  const socket = connect(to)
  socket.on('error', () => undefined)
  socket.once('close', () => channel.close())
  channel.once('close', () => socket.destroy())
  channel.pipe(socket).pipe(channel)
}
