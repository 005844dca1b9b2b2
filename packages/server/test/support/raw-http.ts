import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** What came back on one connection, to the last byte that the server sent before it closed. */
export interface RawAnswer {
  readonly text: string
  /** Status lines, in order; more than one means that more than one request was answered. */
  readonly statuses: number[]
  /** The server closed; false when it was still open after `untilMs`. */
  readonly closed: boolean
}

export async function connectTo(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Sends bytes as they are and reads until the server closes. */
export async function sendRaw(port: number, bytes: string | Uint8Array): Promise<RawAnswer> {
  const socket = await connectTo(port)
  const answer = readAll(socket)
  socket.write(bytes)
  return answer
}

/** Reads until the other side closes, at most five seconds. */
export async function readAll(socket: Socket): Promise<RawAnswer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  // Not `once`: it takes the reset that follows a refusal for a failure.
  const closed = await new Promise<boolean>((resolve) => {
    if (socket.closed) return resolve(true)
    const timer = setTimeout(() => resolve(false), 5000)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
  socket.destroy()
  const text = Buffer.concat(chunks).toString('latin1')
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status))
  return { text, statuses, closed }
}

/** A request as text; `Connection: close` unless told otherwise. */
export function request(head: string, headers: Record<string, string> = {}, body = ''): string {
  const all = { host: 'krown.test', connection: 'close', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return `${[head, ...lines].join('\r\n')}\r\n\r\n${body}`
}
