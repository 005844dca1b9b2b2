import type { ChannelId, ChannelsApi, CommandSummary } from '@krown/core/model'
import { SdkChannel, type SdkChannelParts } from '../channels/sdk-channel.js'
import { newCommandId } from '../command-id.js'
import { translated } from '../errors/to-client-error.js'
import { InputOrder } from '../http/input-order.js'
import type { ApiParts } from './api-parts.js'

export function channelsApi({ trpc, streams, sockets, reconnectForMs }: ApiParts): ChannelsApi {
  const { channels } = trpc
  const input = new InputOrder<ChannelId>()
  const close = (channelId: ChannelId): Promise<CommandSummary> =>
    translated(channels.close.mutate({ channelId }))
  const rest = (id: ChannelId, after: number) => streams.output(id, { after })
  const parts: SdkChannelParts = { sockets: sockets.channels, reconnectForMs, rest, close }
  return {
    // Always with a `commandId`, so that a call whose answer was lost can be made again.
    openShell: ({ commandId = newCommandId(), ...shell }) =>
      translated(channels.openShell.mutate({ ...shell, commandId })),
    list: async (sessionId) => (await translated(channels.list.query({ sessionId }))).items,
    get: (channelId) => translated(channels.get.query({ channelId })),
    attach: (channelId, options = {}) => SdkChannel.attach(parts, channelId, options),
    write: (channelId, data) =>
      input.write(channelId, data, (piece) => channels.write.mutate({ channelId, ...piece })),
    resize: (channelId, { columns, rows }) =>
      translated(channels.resize.mutate({ channelId, columns, rows })),
    signal: (channelId, signal) => translated(channels.signal.mutate({ channelId, signal })),
    takeOver: (channelId) => translated(channels.takeOver.mutate({ channelId })),
    close,
  }
}
