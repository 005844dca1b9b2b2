import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import { type ChannelEvent, type ChannelHandle, channelSignalSchema } from '../model/channel.js'
import { terminalSizeSchema } from '../model/terminal.js'
import type { Attachment } from '../sessions/channels/attachment.js'
import type { ChannelService } from '../sessions/channels/channel-service.js'
import { toChannel } from '../sessions/channels/to-channel.js'
import { toBytes } from './command-stream.js'

/** A channel as one client in this process holds it. */
export interface InProcessChannel extends ChannelHandle {
  /** As `ChannelHandle.events`; the signal ends the reading, which then rejects with its reason. */
  events(options?: { signal?: AbortSignal | undefined }): AsyncGenerator<ChannelEvent>
}

export function toChannelHandle(channels: ChannelService, actor: Actor, from: Attachment): InProcessChannel {
  const { id } = from.command
  const detach = () => channels.detach(from)
  const events: InProcessChannel['events'] = ({ signal } = {}) => channels.events(from, signal)
  return {
    id,
    channel: toChannel(from.command),
    get role() {
      return from.role
    },
    get offset() {
      return from.offset
    },
    events,
    write: async (data) => channels.write(actor, id, { data: toBytes(data), from }),
    endInput: async () => channels.endInput(actor, id, from),
    resize: async (size) => channels.resize(actor, id, { size: parseInput(terminalSizeSchema, size), from }),
    signal: async (signal) =>
      channels.signal(actor, id, { signal: parseInput(channelSignalSchema, signal, 'signal'), from }),
    takeOver: async () => void (await channels.takeOver(actor, id, from)),
    detach,
    close: async () => channels.close(actor, id),
    [Symbol.asyncIterator]: () => bytesOf(events()),
    [Symbol.asyncDispose]: detach,
  }
}

async function* bytesOf(events: AsyncGenerator<ChannelEvent>): AsyncGenerator<Uint8Array> {
  for await (const event of events) if (event.type === 'output') yield event.data
}
