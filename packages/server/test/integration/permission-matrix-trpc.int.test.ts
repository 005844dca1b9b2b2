import { randomUUID } from 'node:crypto'
import type { KrownErrorCode } from '@krown/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WIRE } from '../../src/errors/error-mapping.js'
import { MESSAGES } from '../../src/transport/ws/messages.js'
import { appRouter } from '../../src/trpc/app-router.js'
import type { RouteMeta } from '../../src/trpc/route-meta.js'
import { CALLERS, type Caller, permissionMatrix } from '../permission-matrix.table.js'
import { MESSAGE_MATRIX, NARROW_TOKEN_MESSAGES, TRPC_ONLY } from '../permission-matrix-trpc.table.js'
import { call } from '../support/call.js'
import { PASSWORD } from '../support/gateway.js'
import {
  importOfOne,
  loginTo,
  type MatrixWorld,
  newHostKey,
  newRule,
  newTarget,
  newUser,
  ownersLogin,
  startMatrixWorld,
} from '../support/matrix-world.js'
import { RawSocket } from '../support/raw-socket.js'

let world: MatrixWorld

beforeAll(async () => {
  world = await startMatrixWorld({ socketsPerUser: 1000, socketsPerAddress: 1000 })
})
afterAll(() => world[Symbol.asyncDispose]())

async function post(procedure: string, input: unknown, caller: 'owner' | 'admin' = 'owner'): Promise<string> {
  const { token } = world.people[caller]
  const { body } = await call(world.gateway.url, `POST /trpc/${procedure}`, { token, body: input })
  return (body as { result: { data: { id: string } } }).result.data.id
}

const startCommand = (sessionId: string, command: string) =>
  post('commands.start', { sessionId, command, stdinOpen: true })

const newCredential = () => ({ name: randomUUID(), kind: 'password', password: 'a secret of a target' })
const grantedRule = async () => ({ ruleId: await post('accessRules.create', newRule(), 'admin') })
const storedCredential = async () => ({
  credentialId: await post('credentials.create', newCredential(), 'admin'),
})
const addedTarget = async () => ({ targetId: await post('targets.create', newTarget(), 'admin') })
const ownersHostKey = async () => ({
  hostKeyId: await post('hostKeys.create', { ...newHostKey(), scope: 'user' }),
})
const session = () => ({ sessionId: world.sessionId })
const command = () => ({ commandId: world.commandId })
const shell = async () => ({ channelId: await world.openShell() })
const running = async () => ({ commandId: await startCommand(await world.openSession(), 'cat') })

/** What each procedure is asked with; what is not here takes nothing. */
const inputs: Record<string, () => unknown> = {
  'auth.register': newUser,
  'auth.login': () => ({ username: world.people.owner.user.username, password: PASSWORD }),
  'auth.refresh': async () => {
    const { refreshToken } = await world.gateway.signIn(world.people.owner.user.username)
    return { refreshToken }
  },
  'auth.changePassword': () => ({ currentPassword: PASSWORD, newPassword: PASSWORD }),
  'auth.reauthenticate': () => ({ token: world.people.owner.token }),
  'logins.list': () => ({}),
  'logins.end': async () => ({ loginId: await ownersLogin(world) }),
  'invites.list': () => ({}),
  'invites.create': () => ({}),
  'invites.revoke': async () => ({ inviteId: await post('invites.create', {}, 'admin') }),
  'tokens.create': () => ({ name: 'matrix' }),
  'tokens.list': () => ({}),
  'tokens.revoke': async () => ({ tokenId: await post('tokens.create', { name: 'matrix' }) }),
  'users.list': () => ({}),
  'users.create': newUser,
  'users.get': () => ({ userId: world.people.owner.user.id }),
  'users.update': () => ({ userId: world.people.owner.user.id, role: 'operator' }),
  'sessions.list': () => ({}),
  'sessions.open': () => loginTo(world.target),
  'sessions.get': session,
  'sessions.close': async () => ({ sessionId: await world.openSession() }),
  'sessions.execute': () => ({ ...session(), command: 'true' }),
  'sessions.commands': session,
  'sessions.events': session,
  'commands.list': () => ({}),
  'commands.get': command,
  'commands.cancel': command,
  'commands.start': () => ({ ...session(), command: 'true' }),
  'commands.write': async () => ({ ...(await running()), data: 'x' }),
  'commands.closeStdin': running,
  'commands.output': command,
  'channels.openShell': async () => ({ sessionId: await world.openSession() }),
  'channels.list': session,
  'channels.get': shell,
  'channels.write': async () => ({ ...(await shell()), data: 'x' }),
  'channels.resize': async () => ({ ...(await shell()), columns: 80, rows: 24 }),
  'channels.signal': async () => ({ ...(await shell()), signal: 'INT' }),
  'channels.takeOver': shell,
  'channels.close': shell,
  'recordings.list': () => ({}),
  'recordings.get': () => ({ recordingId: world.recordingId }),
  'recordings.createTicket': () => ({ recordingId: world.recordingId }),
  'recordings.delete': async () => ({ recordingId: await world.recordOne() }),
  'accessRules.list': () => ({}),
  'accessRules.create': newRule,
  'accessRules.get': grantedRule,
  'accessRules.update': async () => ({ ...(await grantedRule()), verbs: ['exec'] }),
  'accessRules.delete': grantedRule,
  'accessRules.explain': async () => ({
    userId: world.people.owner.user.id,
    targetId: await post('targets.create', newTarget(), 'admin'),
    verb: 'exec',
  }),
  'credentials.list': () => ({}),
  'credentials.create': newCredential,
  'credentials.get': storedCredential,
  'credentials.update': async () => ({ ...(await storedCredential()), password: 'another secret' }),
  'credentials.delete': storedCredential,
  'targets.list': () => ({}),
  'targets.create': newTarget,
  'targets.import': importOfOne,
  'targets.get': addedTarget,
  'targets.update': async () => ({ ...(await addedTarget()), tags: ['matrix'] }),
  'targets.delete': addedTarget,
  'hostKeys.list': () => ({}),
  'hostKeys.create': newHostKey,
  'hostKeys.probe': () => ({ host: '127.0.0.1', port: world.target.port }),
  'hostKeys.import': () => ({ text: '# nothing' }),
  'hostKeys.retrust': () => ({ selector: 'nobody', dryRun: true }),
  'hostKeys.get': ownersHostKey,
  'hostKeys.update': async () => ({ ...(await ownersHostKey()), mark: 'revoked', reason: 'matrix' }),
  'hostKeys.delete': ownersHostKey,
  'journal.list': () => ({}),
  'journal.follow': () => ({ after: 0 }),
}

interface Procedure {
  readonly name: string
  readonly type: 'query' | 'mutation' | 'subscription'
  readonly meta: RouteMeta | undefined
}

const procedures: Procedure[] = Object.entries(
  appRouter._def.procedures as unknown as Record<string, { _def: Omit<Procedure, 'name'> }>,
).map(([name, { _def }]) => ({ name, type: _def.type, meta: _def.meta }))

/** The row of REST for the same procedure; tRPC has one status for everything that went well. */
function rowOf({ name, meta }: Procedure): readonly number[] | undefined {
  if (!meta?.openapi) return TRPC_ONLY[name]
  const { method, path } = meta.openapi
  const row = permissionMatrix[`${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`]
  return row?.map((status) => (status < 300 ? 200 : status))
}

/** A login for this one request where it ends its own login. */
async function tokenOf(caller: Caller, name: string): Promise<string | undefined> {
  if (caller === 'anonymous') return undefined
  const person = world.people[caller]
  return name === 'auth.logout' ? (await world.gateway.signIn(person.user.username)).token : person.token
}

async function askOverHttp({ name, type }: Procedure, caller: Caller): Promise<number> {
  const input = await inputs[name]?.()
  const token = await tokenOf(caller, name)
  const query = type === 'query' ? `?input=${encodeURIComponent(JSON.stringify(input ?? null))}` : ''
  const line = `${type === 'mutation' ? 'POST' : 'GET'} /trpc/${name}${input === undefined ? '' : query}`
  const body = type === 'mutation' ? { body: input ?? '' } : {}
  return (await call(world.gateway.url, line, { token, ...body })).status
}

async function askOverSocket({ name, type }: Procedure, caller: Caller): Promise<number> {
  const input = await inputs[name]?.()
  await using socket = await RawSocket.connect(world.gateway.url, '/trpc?connectionParams=1')
  socket.send({ method: 'connectionParams', data: { token: (await tokenOf(caller, name)) ?? '' } })
  socket.send({ id: 1, method: type, params: { path: name, input } })
  // A subscription has begun before it is known whether there will be an event.
  const said = ({ id, result, error }: Record<string, unknown>) =>
    id === 1 && (error !== undefined || (result as { type?: string })?.type !== 'started')
  const { error } = await socket.until(said)
  return statusOf((error as { data: { krown: { code: KrownErrorCode } } } | undefined)?.data.krown.code)
}

const statusOf = (code: unknown) => (code === undefined ? 200 : WIRE[code as KrownErrorCode].http)

const OF_CHANNELS: Record<string, object> = {
  ack: { offset: 0 },
  end_input: {},
  resize: { columns: 80, rows: 24 },
  signal: { signal: 'INT' },
  take_over: {},
  detach: {},
  close_channel: {},
}

/** What a message says besides its type. Of a channel it is about one that the caller is attached to, if it may be. */
async function fieldsOf(socket: RawSocket, type: string): Promise<object> {
  if (type.endsWith('_session')) return session()
  if (type === 'open_shell') return { sessionId: await world.openSession() }
  if (type === 'attach') return { channelId: await world.openShell() }
  const fields = OF_CHANNELS[type]
  if (!fields) return {}
  socket.send({ type: 'attach', channelId: await world.openShell(), id: 'attach' })
  const { channel = 0 } = await socket.until(({ id }) => id === 'attach')
  return { ...fields, channel }
}

async function say(type: string, token: string | undefined): Promise<number> {
  await using socket = await RawSocket.connect(world.gateway.url, '/ws')
  const hello = { type: 'authenticate', token: token ?? 'nobody', protocol: 1, id: 'hello' }
  if (token !== undefined) {
    socket.send(hello)
    await socket.until(({ id }) => id === 'hello')
  }
  const fields = await fieldsOf(socket, type)
  socket.send(type === 'authenticate' ? { ...hello, id: 1 } : { type, ...fields, id: 1 })
  // What has no answer when all is well is told from a refusal by the answer to the next.
  if (type === 'ack') socket.send({ type: 'ping', id: 1 })
  const reply = await socket.until(({ id }) => id === 1)
  return statusOf(reply.type === 'error' ? reply.code : undefined)
}

test('every procedure has a row, and every row a procedure; so has every message', () => {
  for (const procedure of procedures)
    expect([procedure.name, rowOf(procedure)?.length]).toEqual([procedure.name, 7])
  const only = procedures.filter(({ meta }) => !meta?.openapi).map(({ name }) => name)
  expect(only.sort()).toEqual(Object.keys(TRPC_ONLY).sort())
  expect(Object.keys(MESSAGE_MATRIX).sort()).toEqual(Object.keys(MESSAGES).sort())
})

const subscriptions = procedures.filter(({ type }) => type === 'subscription')
const callable = procedures.filter(({ type }) => type !== 'subscription')

describe.each(CALLERS)('B01 B03: %s', (caller) => {
  const column = CALLERS.indexOf(caller)

  test.each(callable.map((procedure) => [procedure.name, rowOf(procedure)?.[column], procedure] as const))(
    '%s is %i over HTTP',
    async (_, status, procedure) => {
      expect(await askOverHttp(procedure, caller)).toBe(status)
    },
  )

  test.each(
    subscriptions.map((procedure) => [procedure.name, rowOf(procedure)?.[column], procedure] as const),
  )('B08: %s is %i over a WebSocket, and not to be had over HTTP', async (_, status, procedure) => {
    expect(await askOverSocket(procedure, caller)).toBe(status)
    expect(await askOverHttp(procedure, caller)).toBe(405)
  })

  test.each(Object.entries(MESSAGE_MATRIX).map(([type, row]) => [type, row[column]] as const))(
    'B08: %s is %i on /ws',
    async (type, status) => {
      expect(await say(type, await tokenOf(caller, type))).toBe(status)
    },
  )
})

describe('B01 B03: a token with one other right', () => {
  let token: string

  beforeAll(async () => {
    const body = { name: 'narrow', scopes: ['user:list'] }
    const { token: admin } = world.people.admin
    const answer = await call(world.gateway.url, 'POST /api/tokens', { token: admin, body })
    token = String(answer.body.token)
  })

  test('every message has a row', () => {
    expect(Object.keys(NARROW_TOKEN_MESSAGES).sort()).toEqual(Object.keys(MESSAGES).sort())
  })

  test.each(Object.entries(NARROW_TOKEN_MESSAGES))('B08: %s is %i on /ws', async (type, status) => {
    expect(await say(type, token)).toBe(status)
  })
})
