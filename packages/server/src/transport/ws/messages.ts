import { KrownError, sessionIdSchema } from '@krown/core'
import { z } from 'zod'
import { CHANNEL_MESSAGES } from './channel-messages.js'
import { kind, type MessageKind, type MessageTraits, type Reply } from './message-kind.js'
import type { Speaker } from './speaker.js'

const seq = z.int().min(0)

/** Everything a client can say. `docs/websocket.md` describes each. */
export const MESSAGES: Readonly<Record<string, MessageKind>> = {
  ...CHANNEL_MESSAGES,

  authenticate: kind({ token: z.string().min(1).max(16_384), protocol: z.literal(1) }, authenticate),

  subscribe_session: kind(
    { sessionId: sessionIdSchema, after: seq.optional() },
    async (speaker, { sessionId, after, id }) => {
      const client = speaker.client()
      // Refused here, before anything is begun; from then on the stream asks again by itself.
      await client.sessions.get(sessionId)
      const events = (signal: AbortSignal) => client.sessions.events({ sessionId, after, signal })
      speaker.subscriptions.start({ sessionId, after, id, events })
      return undefined
    },
  ),

  subscribe_events: kind({}, async (speaker, { id }) => {
    const client = speaker.client()
    // As above: whoever may list sessions may follow them.
    await client.sessions.list({ limit: 1 })
    const events = (signal: AbortSignal) => client.sessions.events({ signal })
    speaker.subscriptions.start({ sessionId: null, after: 0, id, events })
    return undefined
  }),

  unsubscribe_session: kind({ sessionId: sessionIdSchema }, async ({ subscriptions }, { sessionId }) => {
    subscriptions.end(sessionId)
    return { type: 'unsubscribed', sessionId }
  }),

  ping: kind({}, async () => ({ type: 'pong' })),
}

/** What may be said before there is a token, and is not counted as a request. */
export const NEEDS_NO_TOKEN: ReadonlySet<string> = new Set(['authenticate'])

export function traitsOf(type: string): MessageTraits {
  return Object.hasOwn(MESSAGES, type) ? (MESSAGES[type] ?? {}) : {}
}

/** @throws KrownError VALIDATION_FAILED */
export function findMessage(type: string): MessageKind {
  const message = Object.hasOwn(MESSAGES, type) ? MESSAGES[type] : undefined
  if (message) return message
  throw new KrownError('VALIDATION_FAILED', 'there is no such type of message')
}

async function authenticate(speaker: Speaker, { token }: { token: string }): Promise<Reply> {
  const { expiresAt } = await speaker.socket.authenticate(token)
  return {
    type: 'authenticated',
    user: await speaker.client().auth.me(),
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    limits: speaker.limits,
  }
}
