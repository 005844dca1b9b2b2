import { validationError } from '@krown/core'
import { z } from 'zod'
import { toFieldProblems } from '../../errors/field-problems.js'
import type { Speaker } from './speaker.js'
import type { MessageId } from './subscriptions.js'

/** The reply to a message, without the id; undefined when the answer comes another way. */
export type Reply = { readonly type: string } & Record<string, unknown>

export interface MessageTraits {
  /** It may take long, and what the client says meanwhile is listened to. */
  readonly slow?: true
  /** It is handled at once, whatever is at work, and is no request. */
  readonly quick?: true
}

export interface MessageKind extends MessageTraits {
  /** @throws KrownError VALIDATION_FAILED, or whatever core refuses with. */
  handle(speaker: Speaker, message: unknown): Promise<Reply | undefined>
}

const messageId = z.union([z.string().max(64), z.int()])
const common = { type: z.string(), id: messageId.optional() }

/** A kind of message: the fields it has besides `type` and `id`, and what it does. */
export function kind<Shape extends z.ZodRawShape>(
  shape: Shape,
  handle: (
    speaker: Speaker,
    message: z.output<z.ZodObject<Shape & typeof common>>,
  ) => Promise<Reply | undefined>,
  traits: MessageTraits = {},
): MessageKind {
  const schema = z.strictObject({ ...shape, ...common })
  return {
    ...traits,
    handle: async (speaker, message) => {
      const { data, error } = schema.safeParse(message)
      if (error) throw validationError(toFieldProblems(error.issues))
      return handle(speaker, data as never)
    },
  }
}

/** For the reply to a message, which may be refused for its id: then it has none. */
export function idOf({ id }: Readonly<Record<string, unknown>>): { id?: MessageId } {
  const { data } = messageId.safeParse(id)
  return data === undefined ? {} : { id: data }
}
