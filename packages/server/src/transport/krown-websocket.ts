import type { Krown, KrownConfig } from '@krown/core'
import type { Logger } from 'pino'
import type { SocketProtocol } from './ws/accept.js'
import { MAX_ATTACHMENTS } from './ws/attachments.js'
import { MAX_INPUT_BYTES } from './ws/channel-input.js'
import { ChannelNumbers } from './ws/channel-numbers.js'
import { Conversation } from './ws/conversation.js'
import { SharedTexts } from './ws/shared-texts.js'

const MAX_FRAME_BYTES = 64 * 1024

/** The plain protocol for any language: JSON objects with a `type`. `docs/websocket.md` describes it. */
export function krownProtocol(parts: { krown: Krown; config: KrownConfig; logger: Logger }): SocketProtocol {
  const { requestsPerActor, subscriptionsPerSocket } = parts.config.limits
  const limits = {
    messageBytes: MAX_FRAME_BYTES,
    messagesPerSecond: requestsPerActor,
    subscriptions: subscriptionsPerSocket,
    attachments: MAX_ATTACHMENTS,
    inputBytes: MAX_INPUT_BYTES,
  }
  const texts = new SharedTexts()
  const numbers = new ChannelNumbers()
  return {
    path: '/ws',
    maxPayload: MAX_FRAME_BYTES,
    serve: (socket, ws) => void new Conversation({ ...parts, socket, ws, limits, texts, numbers }),
  }
}
