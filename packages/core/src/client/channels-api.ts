import { z } from 'zod'
import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import { attachOptionsShape, channelSignalSchema, openShellInputSchema } from '../model/channel.js'
import type { ChannelsApi } from '../model/channels-api.js'
import type { ChannelId } from '../model/ids.js'
import { commandIdSchema, sessionIdSchema } from '../model/ids-schema.js'
import { terminalSizeSchema } from '../model/terminal.js'
import type { CarriedAttachOptions } from '../sessions/channels/channel-service.js'
import type { OutputCarrier } from '../sessions/output/output-carrier.js'
import { type InProcessChannel, toChannelHandle } from './channel-handle.js'
import type { ClientServices } from './client-services.js'
import { toBytes } from './command-stream.js'

/** `KrownClient.channels` in process; doors may say how output goes on from here. */
export interface InProcessChannels extends ChannelsApi {
  attach(id: ChannelId, options?: CarriedAttachOptions): Promise<InProcessChannel>
}

const attachOptionsSchema = z.strictObject({
  ...attachOptionsShape,
  carrier: z.custom<OutputCarrier>().optional(),
}) satisfies z.ZodType<CarriedAttachOptions>

export function channelsApi(
  services: Pick<ClientServices, 'channels' | 'commands'>,
  actor: Actor,
): InProcessChannels {
  const { channels, commands } = services
  const idOf = (id: ChannelId) => parseInput(commandIdSchema, id, 'channelId')
  return {
    openShell: async (input) => commands.openShell(actor, parseInput(openShellInputSchema, input)),
    list: async (sessionId) => channels.list(actor, parseInput(sessionIdSchema, sessionId, 'sessionId')),
    get: async (id) => channels.get(actor, idOf(id)),
    attach: async (id, options = {}) => {
      const checked = parseInput(attachOptionsSchema, options)
      return toChannelHandle(channels, actor, await channels.attach(actor, idOf(id), checked))
    },
    write: async (id, data) => channels.write(actor, idOf(id), { data: toBytes(data) }),
    resize: async (id, size) =>
      channels.resize(actor, idOf(id), { size: parseInput(terminalSizeSchema, size) }),
    signal: async (id, signal) =>
      channels.signal(actor, idOf(id), { signal: parseInput(channelSignalSchema, signal, 'signal') }),
    takeOver: async (id) => channels.takeOver(actor, idOf(id)),
    close: async (id) => channels.close(actor, idOf(id)),
  }
}
