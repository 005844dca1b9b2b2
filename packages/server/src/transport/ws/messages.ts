import { KrownError, sessionIdSchema, validationError } from '@krown/core'
import { z } from 'zod'
import { toFieldProblems } from '../../errors/field-problems.js'
import type { Speaker } from './speaker.js'
import type { MessageId } from './subscriptions.js'

/** The reply to a message, without the id; undefined when the answer comes another way. */
type Reply = { readonly type: string } & Record<string, unknown>

interface MessageKind {
  /** @throws KrownError VALIDATION_FAILED, or whatever core refuses with. */
  handle(speaker: Speaker, message: unknown): Promise<Reply | undefined>
}

const messageId = z.union([z.string().max(64), z.int()])
const common = { type: z.string(), id: messageId.optional() }
const seq = z.int().min(0)

/** A kind of message: the fields it has besides `type` and `id`, and what it does. */
function kind<Shape extends z.ZodRawShape>(
  shape: Shape,
  handle: (
    speaker: Speaker,
    message: z.output<z.ZodObject<Shape & typeof common>>,
  ) => Promise<Reply | undefined>,
): MessageKind {
  const schema = z.strictObject({ ...shape, ...common })
  return {
    handle: async (speaker, message) => {
      const { data, error } = schema.safeParse(message)
      if (error) throw validationError(toFieldProblems(error.issues))
      return handle(speaker, data as never)
    },
  }
}

/** Everything a client can say. `docs/websocket.md` describes each. */
export const MESSAGES: Readonly<Record<string, MessageKind>> = {
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

/** For the reply to a message, which may be refused for its id: then it has none. */
export function idOf({ id }: Readonly<Record<string, unknown>>): { id?: MessageId } {
  const { data } = messageId.safeParse(id)
  return data === undefined ? {} : { id: data }
}

/** What may be said before there is a token, and is not counted as a request. */
export const NEEDS_NO_TOKEN: ReadonlySet<string> = new Set(['authenticate'])

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
