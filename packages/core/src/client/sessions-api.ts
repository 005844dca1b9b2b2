import { z } from 'zod'
import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import { type ExecOptions, executeInputSchema, startCommandInputSchema } from '../model/command.js'
import { sessionIdSchema } from '../model/ids-schema.js'
import type { KrownClient, SessionHandle, WaitOptions } from '../model/krown-client.js'
import { openSessionInputSchema } from '../model/open-session.js'
import { type Session, sessionQuerySchema } from '../model/session.js'
import {
  refineSessionEventsQuery,
  type SessionEventsOptions,
  sessionEventsQueryShape,
} from '../model/session-event.js'
import { channelsApi } from './channels-api.js'
import type { ClientServices } from './client-services.js'
import { toCommandStream } from './command-stream.js'
import { signalShape } from './signal-shape.js'

const waitOptionsSchema = z.strictObject(signalShape) satisfies z.ZodType<WaitOptions>

const sessionEventsOptionsSchema = z
  .strictObject({ ...sessionEventsQueryShape, ...signalShape })
  .superRefine(refineSessionEventsQuery) satisfies z.ZodType<SessionEventsOptions>

type SessionServices = Pick<ClientServices, 'sessions' | 'commands' | 'channels' | 'streams'>

export function sessionsApi(services: SessionServices, actor: Actor): KrownClient['sessions'] {
  const { sessions, commands, streams } = services
  return {
    open: async (input) => {
      const session = await sessions.open(actor, parseInput(openSessionInputSchema, input))
      return createHandle(services, actor, session)
    },
    get: async (id) => sessions.get(actor, parseInput(sessionIdSchema, id, 'sessionId')),
    list: async (query = {}) => sessions.list(actor, parseInput(sessionQuerySchema, query)),
    close: async (id) => sessions.close(actor, parseInput(sessionIdSchema, id, 'sessionId')),
    execute: async (id, input, options = {}) =>
      commands.execute(
        actor,
        { sessionId: parseInput(sessionIdSchema, id, 'sessionId'), ...parseInput(executeInputSchema, input) },
        parseInput(waitOptionsSchema, options),
      ),
    // Generators, so that a refusal comes to whoever iterates and not to whoever asks.
    events: async function* (options = {}) {
      yield* streams.events(actor, parseInput(sessionEventsOptionsSchema, options))
    },
  }
}

function createHandle(services: SessionServices, actor: Actor, session: Session): SessionHandle {
  const { sessions, commands } = services
  const channels = channelsApi(services, actor)
  const { id } = session
  const close = () => sessions.close(actor, id)
  return {
    id,
    session,
    exec: async (command, options: ExecOptions = {}) =>
      commands.execute(actor, { sessionId: id, ...parseInput(executeInputSchema, { ...options, command }) }),
    stream: async (command, options = {}) => {
      const input = parseInput(startCommandInputSchema, { ...options, sessionId: id, command })
      return toCommandStream(commands, actor, await commands.stream(actor, input))
    },
    shell: async (options = {}) => {
      const { id: channelId } = await channels.openShell({ ...options, sessionId: id })
      return channels.attach(channelId, { offset: 0 })
    },
    channels: () => channels.list(id),
    close,
    [Symbol.asyncDispose]: async () => void (await close()),
  }
}
