import { z } from 'zod'
import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import { type JournalFollowOptions, journalFollowQueryShape, journalQuerySchema } from '../model/journal.js'
import type { KrownClient } from '../model/krown-client.js'
import type { ClientServices } from './client-services.js'
import { signalShape } from './signal-shape.js'

const journalFollowOptionsSchema = z.strictObject({
  ...journalFollowQueryShape,
  ...signalShape,
}) satisfies z.ZodType<JournalFollowOptions>

export function journalApi(
  { journal, journalTail }: Pick<ClientServices, 'journal' | 'journalTail'>,
  actor: Actor,
): KrownClient['journal'] {
  return {
    list: async (query = {}) => journal.list(actor, parseInput(journalQuerySchema, query)),
    verify: async () => journal.verify(actor),
    // A generator, so that a refusal comes to whoever iterates and not to whoever asks.
    follow: async function* (options = {}) {
      yield* journalTail.follow(actor, parseInput(journalFollowOptionsSchema, options))
    },
  }
}
