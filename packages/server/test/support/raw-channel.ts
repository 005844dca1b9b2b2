import type { RawSocket } from './raw-socket.js'

/** What `channel_opened` and `attached` say. */
export interface Attached {
  readonly channel: number
  readonly channelId: string
  readonly role: string
  readonly offset: number
}

let asked = 0

async function ask(socket: RawSocket, message: Record<string, unknown>): Promise<Attached> {
  asked += 1
  const id = `ask ${asked}`
  socket.send({ ...message, id })
  const reply = await socket.until((said) => said.id === id)
  if (reply.type === 'error') throw new Error(`${message.type} is ${JSON.stringify(reply)}`)
  return reply as unknown as Attached
}

export function openShell(
  socket: RawSocket,
  sessionId: string,
  options: Record<string, unknown> = {},
): Promise<Attached> {
  return ask(socket, { type: 'open_shell', sessionId, ...options })
}

export function attachTo(socket: RawSocket, options: Record<string, unknown>): Promise<Attached> {
  return ask(socket, { type: 'attach', ...options })
}

/** A frame with what is typed. */
export function input(channel: number, data: string | Buffer): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt8(3, 0)
  header.writeUInt32BE(channel, 1)
  return Buffer.concat([header, Buffer.from(data)])
}

/** The output of a channel, both streams. @throws Error when offsets leave something out or repeat it. */
export function bytesOf(socket: RawSocket, channel: number): Buffer {
  const pieces: Buffer[] = []
  let at: number | undefined
  for (const frame of socket.frames) {
    if (frame.readUInt32BE(1) !== channel || frame.readUInt8(0) > 2) continue
    const offset = Number(frame.readBigUInt64BE(5))
    if (at !== undefined && offset !== at) throw new Error(`expected offset ${at}, not ${offset}`)
    at = offset + frame.length - 13
    pieces.push(frame.subarray(13))
  }
  return Buffer.concat(pieces)
}

export const textOf = (socket: RawSocket, channel: number) => bytesOf(socket, channel).toString()
