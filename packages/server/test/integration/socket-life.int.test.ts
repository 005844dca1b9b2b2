import { type HostileSshServer, startHostileSshServer, waitFor } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/call.js'
import { type Gateway, type GatewayOptions, type Person, startGateway } from '../support/gateway.js'
import { RawSocket } from '../support/raw-socket.js'

let target: HostileSshServer

beforeAll(async () => {
  target = await startHostileSshServer()
})
afterAll(() => target.stop())

const start = (options: GatewayOptions = {}) =>
  startGateway({ targets: [target], ...options, sockets: { sweepEveryMs: 50, ...options.sockets } })

/** The same steps on both protocols. */
const DOORS = {
  '/ws': {
    open: async (gateway: Gateway, token: string) => {
      const socket = await RawSocket.connect(gateway.url, '/ws')
      await DOORS['/ws'].authenticate(socket, token)
      return socket
    },
    authenticate: async (socket: RawSocket, token: string) => {
      const id = `${Math.random()}`
      socket.send({ type: 'authenticate', token, protocol: 1, id })
      const reply = await socket.until((message) => message.id === id)
      return reply.type === 'error' ? reply.code : undefined
    },
    /** The code of the refusal, or undefined. */
    ask: async (socket: RawSocket, sessionId: string) => {
      const id = `${Math.random()}`
      socket.send({ type: 'subscribe_session', sessionId, id })
      const reply = await socket.until((message) => message.id === id)
      return reply.type === 'error' ? reply.code : undefined
    },
  },
  '/trpc': {
    open: async (gateway: Gateway, token: string) => {
      const socket = await RawSocket.connect(gateway.url, '/trpc?connectionParams=1')
      socket.send({ method: 'connectionParams', data: { token } })
      await callTrpc(socket, { method: 'query', path: 'auth.me' })
      return socket
    },
    authenticate: (socket: RawSocket, token: string) =>
      callTrpc(socket, { method: 'mutation', path: 'auth.reauthenticate', input: { token } }),
    ask: (socket: RawSocket, sessionId: string) =>
      callTrpc(socket, { method: 'query', path: 'sessions.get', input: { sessionId } }),
  },
}
type Door = keyof typeof DOORS
const doors = Object.keys(DOORS) as Door[]

let nextId = 0
async function callTrpc(
  socket: RawSocket,
  { method, path, input }: { method: string; path: string; input?: unknown },
): Promise<unknown> {
  nextId += 1
  const id = nextId
  socket.send({ id, method, params: { path, input } })
  const reply = await socket.until((message) => message.id === id)
  const { data } = (reply.error ?? {}) as { data?: { krown: { code: string } } }
  return data?.krown.code
}

const closedInTime = ({ ws }: RawSocket) =>
  waitFor(() => ws.readyState === ws.CLOSED, { what: 'the socket to be closed', timeoutMs: 5000 })

async function openSession(gateway: Gateway, { token }: Person): Promise<string> {
  const { username, password, port } = target
  const body = { host: '127.0.0.1', port, username, auth: { method: 'password', password } }
  const answer = await call(gateway.url, 'POST /api/sessions', { token, body })
  return String(answer.body.id)
}

describe.each(doors)('a WebSocket on %s', (door) => {
  const { open, authenticate, ask } = DOORS[door]

  test('D13: ends with its token when no other comes within the grace', async () => {
    await using gateway = await start({
      config: { auth: { accessTokenTtl: '2s' } },
      sockets: { tokenGraceMs: 3000 },
    })
    const { token, user } = await gateway.admin()
    await using idle = await open(gateway, token)
    await using busy = await open(gateway, token)
    const sessionId = '00000000-0000-7000-8000-000000000000'
    await waitFor(async () => (await ask(busy, sessionId)) === 'UNAUTHENTICATED', {
      what: 'the token to end',
    })
    const next = await gateway.signIn(user.username)
    expect(await authenticate(busy, next.token)).toBeUndefined()
    expect(await ask(busy, sessionId)).toBe('NOT_FOUND')
    expect(await idle.closed).toBe(4401)
    expect(await busy.closed).toBe(4401)
  })

  test('D13: the token of somebody else is refused, and it stays whose it is', async () => {
    await using gateway = await start()
    const operator = await gateway.person('operator')
    const sessionId = await openSession(gateway, operator)
    await using socket = await open(gateway, operator.token)
    const { token } = await gateway.person('operator')
    expect(await authenticate(socket, token)).toBe('FORBIDDEN')
    expect(await authenticate(socket, 'wrong')).toBe('UNAUTHENTICATED')
    expect(await ask(socket, sessionId)).toBeUndefined()
  })

  test('A13 B11: is closed with 4403 within five seconds when the user is disabled', async () => {
    await using gateway = await start()
    const operator = await gateway.person('operator')
    const { token } = await gateway.admin()
    const sessionId = await openSession(gateway, operator)
    const before = target.execs.length
    const hanging = call(gateway.url, `POST /api/sessions/${sessionId}/execute`, {
      token: operator.token,
      body: { command: 'hang' },
    })
    // One that still waited for its turn would be refused instead of cancelled.
    await waitFor(() => target.execs.length > before, { what: 'the command on the target' })
    await using socket = await open(gateway, operator.token)
    await ask(socket, sessionId)
    await call(gateway.url, `PATCH /api/users/${operator.user.id}`, { token, body: { disabled: true } })
    await closedInTime(socket)
    expect(await socket.closed).toBe(4403)
    expect((await hanging).body).toMatchObject({ status: 'cancelled' })
  })

  test('A14: is closed with 4401 within five seconds when the login ends', async () => {
    await using gateway = await start()
    const operator = await gateway.person('operator')
    await using socket = await open(gateway, operator.token)
    const other = await gateway.signIn(operator.user.username)
    await using staying = await open(gateway, other.token)
    await call(gateway.url, 'POST /api/auth/logout', { token: operator.token })
    await closedInTime(socket)
    expect(await socket.closed).toBe(4401)
    expect(await ask(staying, await openSession(gateway, other))).toBeUndefined()
  })

  test('B10: a role that was taken away is gone for the next message', async () => {
    await using gateway = await start()
    const { token } = await gateway.admin()
    const second = await gateway.person('admin')
    const operator = await gateway.person('operator')
    const sessions = [await openSession(gateway, operator), await openSession(gateway, operator)] as const
    await using socket = await open(gateway, second.token)
    expect(await ask(socket, sessions[0])).toBeUndefined()
    await call(gateway.url, `PATCH /api/users/${second.user.id}`, { token, body: { role: 'readonly' } })
    expect(await ask(socket, sessions[1])).toBe('NOT_FOUND')
  })

  test('H12: is closed with 1012 when the server stops, and none is taken while it drains', async () => {
    await using gateway = await start()
    const { token } = await gateway.admin()
    await using socket = await open(gateway, token)
    await gateway.krown.drain(0)
    await expect(RawSocket.connect(gateway.url, door)).rejects.toThrow('503')
    if (door === '/trpc') await socket.until(({ method }) => method === 'reconnect')
    const stopping = gateway.server.app.close()
    expect(await socket.closed).toBe(1012)
    await stopping
  })

  test('D12: is given up when the client does not answer any more', async () => {
    await using gateway = await start({ sockets: { pingAfterMs: 100, pongWithinMs: 200 } })
    const { token } = await gateway.admin()
    await using alive = await open(gateway, token)
    await using dead = await open(gateway, token)
    dead.ws.pause()
    const isGone = async () => (await socketsOf(gateway)) === 1
    await waitFor(isGone, { what: 'the silent socket to be given up' })
    expect(alive.ws.readyState).toBe(alive.ws.OPEN)
  })
})

/** Connections that the server still holds, but for the one that asks. */
async function socketsOf({ server }: Gateway): Promise<number> {
  const count = await new Promise<number>((resolve, reject) =>
    server.app.server.getConnections((error, connections) => (error ? reject(error) : resolve(connections))),
  )
  return count
}
