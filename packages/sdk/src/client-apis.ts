import type { ExecOptions, KrownClient, Session, SessionHandle } from '@krown/core/model'
import type { AppRouter } from '@krown/server'
import type { TRPCClient } from '@trpc/client'
import { translated } from './errors/to-client-error.js'
import type { CommandCalls } from './http/calls.js'
import type { Streams } from './streams/streams.js'

export interface ApiParts {
  readonly trpc: TRPCClient<AppRouter>
  readonly calls: CommandCalls
  readonly streams: Streams
}

export function sessionsApi(parts: ApiParts): KrownClient['sessions'] {
  const { trpc, calls, streams } = parts
  return {
    open: async (input) => createHandle(parts, await translated(trpc.sessions.open.mutate(input))),
    get: (sessionId) => translated(trpc.sessions.get.query({ sessionId })),
    list: (query = {}) => translated(trpc.sessions.list.query(query)),
    close: (sessionId) => translated(trpc.sessions.close.mutate({ sessionId })),
    execute: (sessionId, input, options) => calls.execute(sessionId, input, options),
    events: (options) => streams.events(options),
  }
}

export function commandsApi({ trpc, calls, streams }: ApiParts): KrownClient['commands'] {
  return {
    start: (input) => calls.start(input),
    get: (commandId, options) => translated(calls.get(commandId, options)),
    list: (query = {}) => translated(trpc.commands.list.query(query)),
    cancel: (commandId) => translated(trpc.commands.cancel.mutate({ commandId })),
    write: (commandId, data) => calls.write(commandId, data),
    closeStdin: (commandId) => calls.closeStdin(commandId),
    output: (commandId, options) => streams.output(commandId, options),
  }
}

export function usersApi({ trpc }: ApiParts): KrownClient['users'] {
  return {
    list: (query = {}) => translated(trpc.users.list.query(query)),
    get: (userId) => translated(trpc.users.get.query({ userId })),
    create: (input) => translated(trpc.users.create.mutate(input)),
    update: (userId, change) => translated(trpc.users.update.mutate({ ...change, userId })),
  }
}

export function tokensApi({ trpc }: ApiParts): KrownClient['tokens'] {
  return {
    create: (input) => translated(trpc.tokens.create.mutate(input)),
    list: (query = {}) => translated(trpc.tokens.list.query(query)),
    revoke: (tokenId) => translated(trpc.tokens.revoke.mutate({ tokenId })),
  }
}

export function loginsApi({ trpc: { logins } }: ApiParts): KrownClient['logins'] {
  return {
    list: (query = {}) => translated(logins.list.query(query)),
    end: (loginId) => translated(logins.end.mutate({ loginId })),
  }
}

export function invitesApi({ trpc: { invites } }: ApiParts): KrownClient['invites'] {
  return {
    create: (input = {}) => translated(invites.create.mutate(input)),
    list: (query = {}) => translated(invites.list.query(query)),
    revoke: (inviteId) => translated(invites.revoke.mutate({ inviteId })),
  }
}

export function journalApi({ trpc, streams }: ApiParts): KrownClient['journal'] {
  return {
    list: (query = {}) => translated(trpc.journal.list.query(query)),
    verify: () => translated(trpc.journal.verify.mutate()),
    follow: (options) => streams.follow(options),
  }
}

function createHandle({ trpc, calls, streams }: ApiParts, session: Session): SessionHandle {
  const { id } = session
  const close = () => translated(trpc.sessions.close.mutate({ sessionId: id }))
  return {
    id,
    session,
    exec: (command, options: ExecOptions = {}) => calls.execute(id, { ...options, command }),
    stream: async (command, options = {}) =>
      streams.drive(await calls.start({ ...options, command, sessionId: id, streamed: true })),
    close,
    [Symbol.asyncDispose]: async () => void (await close()),
  }
}
