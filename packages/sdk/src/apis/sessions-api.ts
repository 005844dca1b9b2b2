import type { ExecOptions, KrownClient, Session, SessionHandle } from '@krown/core/model'
import { translated } from '../errors/to-client-error.js'
import type { ApiParts } from './api-parts.js'
import { channelsApi } from './channels-api.js'

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

function createHandle(parts: ApiParts, session: Session): SessionHandle {
  const { trpc, calls, streams } = parts
  const channels = channelsApi(parts)
  const { id } = session
  const close = () => translated(trpc.sessions.close.mutate({ sessionId: id }))
  return {
    id,
    session,
    exec: (command, options: ExecOptions = {}) => calls.execute(id, { ...options, command }),
    stream: async (command, options = {}) =>
      streams.drive(await calls.start({ ...options, command, sessionId: id, streamed: true })),
    shell: async (options = {}) => {
      const { id: channelId } = await channels.openShell({ ...options, sessionId: id })
      return channels.attach(channelId, { offset: 0 })
    },
    channels: () => channels.list(id),
    close,
    [Symbol.asyncDispose]: async () => void (await close()),
  }
}
