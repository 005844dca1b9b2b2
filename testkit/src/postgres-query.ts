import { connect, type Socket } from 'node:net'

type Rows = (string | null)[][]

const PROTOCOL_3_0 = 196608

/**
 * Runs one simple query over the wire protocol, without a driver, for servers that ask no password.
 *
 * @returns rows of column texts. @throws Error with the server's message.
 */
export async function queryPostgres(url: string, sql: string): Promise<Rows> {
  const { hostname, port, username, pathname } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  const parameters = ['user', username, 'database', pathname.slice(1), '', '']
  socket.write(message('', Buffer.concat([int32(PROTOCOL_3_0), Buffer.from(parameters.join('\0'))])))
  try {
    return await readAnswers(socket, message('Q', Buffer.from(`${sql}\0`)))
  } finally {
    socket.destroy()
  }
}

/** Sends the query once the server is ready, and collects until it is ready again. */
async function readAnswers(socket: Socket, query: Buffer): Promise<Rows> {
  const rows: Rows = []
  let sent = false
  for await (const { type, body } of messages(socket)) {
    if (type === 'E') throw new Error(errorMessage(body))
    if (type === 'D') rows.push(dataRow(body))
    if (type === 'Z' && sent) return rows
    if (type === 'Z') {
      socket.write(query)
      sent = true
    }
  }
  throw new Error('PostgreSQL closed the connection')
}

async function* messages(socket: Socket): AsyncGenerator<{ type: string; body: Buffer }> {
  let buffered = Buffer.alloc(0)
  for await (const chunk of socket) {
    buffered = Buffer.concat([buffered, chunk as Buffer])
    while (buffered.length >= 5 && buffered.length > buffered.readUInt32BE(1)) {
      const end = 1 + buffered.readUInt32BE(1)
      yield { type: buffered.toString('latin1', 0, 1), body: buffered.subarray(5, end) }
      buffered = buffered.subarray(end)
    }
  }
}

function dataRow(body: Buffer): (string | null)[] {
  const columns: (string | null)[] = []
  let at = 2
  for (let left = body.readUInt16BE(0); left > 0; left--) {
    const length = body.readInt32BE(at)
    at += 4
    columns.push(length === -1 ? null : body.toString('utf8', at, at + length))
    at += Math.max(0, length)
  }
  return columns
}

function errorMessage(body: Buffer): string {
  const fields = body.toString('utf8').split('\0')
  return fields.find((field) => field.startsWith('M'))?.slice(1) ?? 'PostgreSQL error'
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(4 + body.length), body])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
