import {
  attachOptionsShape,
  type ChannelId,
  channelSignalSchema,
  commandIdSchema,
  openShellInputSchema,
  terminalSizeShape,
} from '@krown/core'
import { z } from 'zod'
import type { WantedAttachment } from './attachments.js'
import { flowSchema } from './channel-window.js'
import { kind, type MessageKind } from './message-kind.js'
import type { Speaker } from './speaker.js'
import type { MessageId } from './subscriptions.js'

/** An acknowledgement of so much is nothing that the client says by itself. */
const USEFUL_ACK_BYTES = 4 * 1024

const flow = flowSchema.optional()
const oneChannel = { channel: z.int().min(0) }

/** What a client says about channels. */
export const CHANNEL_MESSAGES: Readonly<Record<string, MessageKind>> = {
  open_shell: kind(
    { ...openShellInputSchema.shape, flow },
    async (speaker, { type: _, id, flow, ...shell }) => {
      const open = async () => (await speaker.client().channels.openShell(shell)).id
      const wanted = { offset: 0, windowBytes: flow?.windowBytes }
      await attach(speaker, open, { ...wanted, reply: 'channel_opened', id })
      return undefined
    },
    { slow: true },
  ),

  attach: kind(
    { channelId: commandIdSchema, ...attachOptionsShape, flow },
    async (speaker, { type: _, id, channelId, flow, ...options }) => {
      const wanted = { ...options, windowBytes: flow?.windowBytes }
      await attach(speaker, async () => channelId, { ...wanted, reply: 'attached', id })
      return undefined
    },
    { slow: true },
  ),

  ack: kind(
    { ...oneChannel, offset: z.int().min(0) },
    async ({ attachments, socket }, { channel, offset }) => {
      // It may have ended while this was on its way.
      const taken = attachments.find(channel)?.window.acknowledge(offset) ?? 0
      if (taken >= USEFUL_ACK_BYTES) socket.countCalls(0)
      return undefined
    },
    { quick: true },
  ),

  end_input: kind(
    oneChannel,
    async ({ attachments }, { channel }) => {
      await attachments.get(channel).input.end()
      return { type: 'done', channel }
    },
    { slow: true },
  ),

  resize: kind(
    { ...oneChannel, ...terminalSizeShape },
    async ({ attachments }, { channel, columns, rows }) => {
      await attachments.get(channel).channel.resize({ columns, rows })
      return { type: 'done', channel }
    },
  ),

  signal: kind(
    { ...oneChannel, signal: channelSignalSchema },
    async ({ attachments }, { channel, signal }) => {
      await attachments.get(channel).channel.signal(signal)
      return { type: 'done', channel }
    },
  ),

  take_over: kind(oneChannel, async ({ attachments }, { channel }) => {
    await attachments.get(channel).channel.takeOver()
    return { type: 'done', channel }
  }),

  detach: kind(oneChannel, async ({ attachments }, { channel }) => {
    await attachments.detach(channel)
    return { type: 'detached', channel }
  }),

  close_channel: kind(
    oneChannel,
    async ({ attachments }, { channel }) => {
      await attachments.get(channel).channel.close()
      return { type: 'done', channel }
    },
    { slow: true },
  ),
}

async function attach(
  speaker: Speaker,
  find: () => Promise<ChannelId>,
  { reply, id, ...wanted }: WantedAttachment & { reply: string; id: MessageId | undefined },
): Promise<void> {
  const { attachments } = speaker
  const attached = await attachments.attach(speaker.client(), find, wanted)
  const { number, channel } = attached
  const { role, offset, id: channelId, channel: info } = channel
  speaker.send({
    type: reply,
    channel: number,
    channelId,
    role,
    offset,
    info,
    ...(id !== undefined && { id }),
  })
  // The client has to know the number before it hears of it.
  attachments.start(attached)
}
