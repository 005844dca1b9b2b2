import { z } from 'zod'
import type { AuthService } from '../auth/auth-service.js'
import type { Invites } from '../auth/invites/invites.js'
import type { OwnLogins } from '../auth/logins/own-logins.js'
import type { UserAdmin } from '../auth/people/user-admin.js'
import type { ApiTokens } from '../auth/tokens/api-tokens.js'
import { parseInput } from '../base/parse-input.js'
import type { JournalReader } from '../journal-reading/journal-reader.js'
import type { JournalTail } from '../journal-reading/journal-tail.js'
import type { Actor } from '../model/actor.js'
import { apiTokenQuerySchema, createApiTokenInputSchema } from '../model/api-token.js'
import {
  type CommandOutputEvent,
  commandQuerySchema,
  type ExecOptions,
  executeInputSchema,
  getCommandOptionsSchema,
  startCommandInputSchema,
} from '../model/command.js'
import type { CommandId } from '../model/ids.js'
import {
  apiTokenIdSchema,
  commandIdSchema,
  loginIdSchema,
  sessionIdSchema,
  userIdSchema,
} from '../model/ids-schema.js'
import { type JournalFollowOptions, journalFollowQueryShape, journalQuerySchema } from '../model/journal.js'
import type { KrownClient, SessionHandle, WaitOptions } from '../model/krown-client.js'
import { changePasswordInputSchema } from '../model/login.js'
import { openSessionInputSchema } from '../model/open-session.js'
import { type Session, sessionQuerySchema } from '../model/session.js'
import {
  refineSessionEventsQuery,
  type SessionEventsOptions,
  sessionEventsQueryShape,
} from '../model/session-event.js'
import type { SystemInfo } from '../model/system.js'
import { createUserInputSchema, updateUserInputSchema, userQuerySchema } from '../model/user.js'
import type { EventStreams } from '../sessions/events/event-streams.js'
import type { CarriedOutputOptions } from '../sessions/output/command-output.js'
import type { OutputCarrier } from '../sessions/output/output-carrier.js'
import type { SshManager } from '../sessions/ssh-manager.js'
import type { Credentials } from '../targets/credentials/credentials.js'
import type { HostKeyServices } from '../targets/host-keys/create-host-key-services.js'
import { type AccessRuleServices, accessRulesApi } from './access-rules-api.js'
import { type ChannelServices, channelsApi, type InProcessChannels } from './channels-api.js'
import { toBytes, toCommandStream } from './command-stream.js'
import { credentialsApi } from './credentials-api.js'
import { hostKeysApi } from './host-keys-api.js'
import { invitesApi } from './invites-api.js'
import { type TargetServices, targetsApi } from './targets-api.js'

export interface ClientServices extends ChannelServices {
  readonly auth: AuthService
  readonly users: UserAdmin
  readonly logins: OwnLogins
  readonly tokens: ApiTokens
  readonly invites: Invites
  readonly sessions: SshManager
  readonly streams: EventStreams
  readonly credentials: Credentials
  readonly targets: TargetServices
  readonly hostKeys: HostKeyServices
  readonly access: AccessRuleServices
  readonly journal: JournalReader
  readonly journalTail: JournalTail
  systemInfo(): Promise<SystemInfo>
}

const signalShape = { signal: z.instanceof(AbortSignal).optional() }

const waitOptionsSchema = z.strictObject(signalShape) satisfies z.ZodType<WaitOptions>
const getOptionsSchema = getCommandOptionsSchema.extend(signalShape)

const outputOptionsSchema = z.strictObject({
  after: z.number().int().min(0).optional(),
  carrier: z.custom<OutputCarrier>().optional(),
  ...signalShape,
}) satisfies z.ZodType<CarriedOutputOptions>

const sessionEventsOptionsSchema = z
  .strictObject({ ...sessionEventsQueryShape, ...signalShape })
  .superRefine(refineSessionEventsQuery) satisfies z.ZodType<SessionEventsOptions>

const journalFollowOptionsSchema = z.strictObject({
  ...journalFollowQueryShape,
  ...signalShape,
}) satisfies z.ZodType<JournalFollowOptions>

/** `KrownClient` in process, for programs and for doors: these may say how output goes on from here. */
export interface InProcessClient extends KrownClient {
  readonly channels: InProcessChannels
  readonly commands: Omit<KrownClient['commands'], 'output'> & {
    /** See `KrownClient`. With a `carrier`, a driver for whom it broke misses nothing when he is back at once. */
    output(id: CommandId, options?: CarriedOutputOptions): AsyncIterable<CommandOutputEvent>
  }
}

/** Checks input as the server does, then calls the use case as this actor. */
export function createInProcessClient(services: ClientServices, actor: Actor): InProcessClient {
  return {
    auth: authApi(services, actor),
    sessions: sessionsApi(services, actor),
    commands: commandsApi(services, actor),
    channels: channelsApi(services, actor),
    users: usersApi(services, actor),
    logins: loginsApi(services, actor),
    tokens: tokensApi(services, actor),
    invites: invitesApi(services.invites, actor),
    credentials: credentialsApi(services.credentials, actor),
    targets: targetsApi(services.targets, actor),
    hostKeys: hostKeysApi(services.hostKeys, actor),
    accessRules: accessRulesApi(services.access, actor),
    journal: {
      list: async (query = {}) => services.journal.list(actor, parseInput(journalQuerySchema, query)),
      verify: async () => services.journal.verify(actor),
      follow: async function* (options = {}) {
        yield* services.journalTail.follow(actor, parseInput(journalFollowOptionsSchema, options))
      },
    },
    system: { info: () => services.systemInfo() },
  }
}

function authApi({ auth }: ClientServices, actor: Actor): KrownClient['auth'] {
  return {
    me: () => auth.me(actor),
    logout: () => auth.logout(actor),
    changePassword: async (input) => auth.changePassword(actor, parseInput(changePasswordInputSchema, input)),
  }
}

function loginsApi({ logins }: ClientServices, actor: Actor): KrownClient['logins'] {
  return {
    list: async (query) => logins.list(actor, query),
    end: async (id) => logins.end(actor, parseInput(loginIdSchema, id, 'loginId')),
  }
}

function sessionsApi(services: ClientServices, actor: Actor): KrownClient['sessions'] {
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

function commandsApi({ commands }: ClientServices, actor: Actor): InProcessClient['commands'] {
  return {
    start: async (input) => commands.start(actor, parseInput(startCommandInputSchema, input)),
    get: async (id, options = {}) =>
      commands.get(
        actor,
        parseInput(commandIdSchema, id, 'commandId'),
        parseInput(getOptionsSchema, options),
      ),
    list: async (query = {}) => commands.list(actor, parseInput(commandQuerySchema, query)),
    cancel: async (id) => commands.cancel(actor, parseInput(commandIdSchema, id, 'commandId')),
    write: async (id, data) =>
      commands.write(actor, parseInput(commandIdSchema, id, 'commandId'), toBytes(data)),
    closeStdin: async (id) => commands.closeStdin(actor, parseInput(commandIdSchema, id, 'commandId')),
    output: async function* (id, options = {}) {
      const checked = parseInput(outputOptionsSchema, options)
      yield* commands.output(actor, parseInput(commandIdSchema, id, 'commandId'), checked)
    },
  }
}

function usersApi({ users }: ClientServices, actor: Actor): KrownClient['users'] {
  return {
    list: async (query = {}) => users.list(actor, parseInput(userQuerySchema, query)),
    get: async (id) => users.get(actor, parseInput(userIdSchema, id, 'userId')),
    create: async (input) => users.create(actor, parseInput(createUserInputSchema, input)),
    update: async (id, input) =>
      users.update(actor, parseInput(userIdSchema, id, 'userId'), parseInput(updateUserInputSchema, input)),
  }
}

function tokensApi({ tokens }: ClientServices, actor: Actor): KrownClient['tokens'] {
  return {
    create: async (input) => tokens.create(actor, parseInput(createApiTokenInputSchema, input)),
    list: async (query = {}) => tokens.list(actor, parseInput(apiTokenQuerySchema, query)),
    revoke: async (id) => tokens.revoke(actor, parseInput(apiTokenIdSchema, id, 'tokenId')),
  }
}

function createHandle(services: ClientServices, actor: Actor, session: Session): SessionHandle {
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
