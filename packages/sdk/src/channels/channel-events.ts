import type { ChannelEvent, ChannelRole, CommandSummary, UserId } from '@krown/core/model'
import { notUnderstood } from '../errors/problem.js'
import { isRecord } from '../sockets/frames.js'
import type { Message } from './channel-socket.js'
import { FRAME, type Frame } from './frames.js'

/** What of a frame is new to whoever has all bytes before `position`; undefined for nothing, and for unknown kinds. */
export function readFrame({ kind, offset, payload }: Frame, position: number): ChannelEvent | undefined {
  if (kind !== FRAME.output && kind !== FRAME.errorOutput) return undefined
  const stream = kind === FRAME.output ? 'stdout' : 'stderr'
  const seen = Math.max(0, position - offset)
  if (seen >= payload.length) return undefined
  return { type: 'output', stream, offset: offset + seen, data: payload.subarray(seen) }
}

/** The same for what the server says. @throws KrownClientError UNKNOWN when its parts are not what they should be. */
export function readMessage(message: Message, position: number): ChannelEvent | undefined {
  const { type } = message
  return Object.hasOwn(READERS, type) ? READERS[type as keyof typeof READERS](message, position) : undefined
}

const READERS = {
  gap: ({ fromOffset, toOffset }: Message, position: number): ChannelEvent | undefined => {
    const [from, to] = [numberOf(fromOffset), numberOf(toOffset)]
    return to > position ? { type: 'gap', fromOffset: Math.max(from, position), toOffset: to } : undefined
  },
  resized: ({ columns, rows }: Message): ChannelEvent => ({
    type: 'resized',
    columns: numberOf(columns),
    rows: numberOf(rows),
  }),
  keyboard: ({ userId, role }: Message): ChannelEvent => ({
    type: 'keyboard',
    userId: typeof userId === 'string' ? (userId as UserId) : null,
    role: (role === 'driver' ? 'driver' : 'watcher') satisfies ChannelRole,
  }),
  channel_closed: ({ command }: Message): ChannelEvent => {
    if (!isRecord(command)) throw notUnderstood()
    return { type: 'closed', command: command as unknown as CommandSummary }
  },
}

function numberOf(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw notUnderstood()
}
