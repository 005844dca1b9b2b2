import type { CommandId } from '@krown/core'
import { type HostileSshServer, startHostileSshServer } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CommandOutputMessage } from '../../src/trpc/command-output.js'
import { call } from '../support/call.js'
import { type Gateway, type Person, startGateway } from '../support/gateway.js'
import { RawSocket } from '../support/raw-socket.js'
import { connectTrpc, type TrpcSocket } from '../support/trpc.js'

let target: HostileSshServer
let gateway: Gateway
let admin: Person

beforeAll(async () => {
  target = await startHostileSshServer()
  gateway = await startGateway({ targets: [target], sockets: { sweepEveryMs: 50 } })
  admin = await gateway.admin()
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await target.stop()
})

const connect = (person = admin) => connectTrpc(gateway.url, () => person.token)

async function openSession({ client }: TrpcSocket) {
  const { username, password, port } = target
  return client.sessions.open.mutate({
    host: '127.0.0.1',
    port,
    username,
    auth: { method: 'password', password },
  })
}

const codeOf = (message: Record<string, unknown>) =>
  (message.error as { data: { krown: { code: string } } }).data.krown.code

interface Read {
  readonly messages: CommandOutputMessage[]
  readonly ids: string[]
  readonly text: string
}

/** Reads a command's output to its end. */
function readOutput(
  { client }: TrpcSocket,
  commandId: CommandId,
  onMessage: (message: CommandOutputMessage) => void = () => {},
): Promise<Read> {
  const messages: CommandOutputMessage[] = []
  const ids: string[] = []
  const textOf = () => messages.map((message) => (message.type === 'output' ? message.data : '')).join('')
  return new Promise((resolve, reject) => {
    client.commands.output.subscribe(
      { commandId },
      {
        onData: ({ id, data }) => {
          ids.push(id)
          messages.push(data)
          onMessage(data)
        },
        onComplete: () => resolve({ messages, ids, text: textOf() }),
        onError: reject,
      },
    )
  })
}

describe('tRPC over a WebSocket', () => {
  test('calls, streams and input go over one socket', async () => {
    await using socket = connect()
    expect(await socket.client.auth.me.query()).toMatchObject({ username: 'first-admin' })
    const session = await openSession(socket)
    const { id } = await socket.client.commands.start.mutate({
      sessionId: session.id,
      command: 'cat',
      stdinOpen: true,
    })
    const read = readOutput(socket, id)
    await socket.client.commands.write.mutate({ commandId: id, data: 'ünïcode ' })
    await socket.client.commands.write.mutate({ commandId: id, data: '8J+Ygw==', encoding: 'base64' })
    await socket.client.commands.closeStdin.mutate({ commandId: id })
    const { text, messages, ids } = await read
    expect(text).toBe('ünïcode 😃')
    expect(messages.at(-1)).toMatchObject({ type: 'finished', command: { status: 'completed', exitCode: 0 } })
    expect(ids.at(-1)).toBe(String(Buffer.byteLength(text)))
  })

  test('what is not base64 is not sent', async () => {
    await using socket = connect()
    const write = socket.client.commands.write.mutate({
      commandId: '00000000-0000-7000-8000-000000000000' as CommandId,
      data: 'no base64!',
      encoding: 'base64',
    })
    await expect(write).rejects.toMatchObject({ data: { krown: { code: 'VALIDATION_FAILED' } } })
  })

  test('a stream that is cut goes on where it was, without loss or repetition', async () => {
    await using socket = connect()
    const session = await openSession(socket)
    const { id } = await socket.client.commands.start.mutate({
      sessionId: session.id,
      command: 'cat',
      stdinOpen: true,
    })
    let cuts = 0
    const read = readOutput(socket, id, ({ type }) => {
      if (type !== 'output' || cuts >= 5) return
      cuts += 1
      socket.cut()
    })
    await using writer = connect()
    const lines = Array.from({ length: 200 }, (_, index) => `line ${index}\n`)
    for (const data of lines) await writer.client.commands.write.mutate({ commandId: id, data })
    await writer.client.commands.closeStdin.mutate({ commandId: id })
    const { text, messages } = await read
    expect(cuts).toBe(5)
    expect(messages.filter(({ type }) => type === 'gap')).toEqual([])
    expect(text).toBe(lines.join(''))
  })

  test('C26: the same command again over a socket runs once, another under its id is a conflict', async () => {
    await using socket = connect()
    await using other = connect()
    const { id: sessionId } = await openSession(socket)
    const commandId = '01932c1f-5e20-7b63-a4d7-0c8e1f9a2b99' as CommandId
    const before = target.execs.length
    const start = ({ client }: TrpcSocket, command = 'echo once') =>
      client.commands.start.mutate({ sessionId, command, commandId })
    await Promise.all([start(socket), start(other), start(socket)])
    expect((await readOutput(other, commandId)).text).toBe('once\n')
    expect((await start(other)).id).toBe(commandId)
    expect(target.execs.length).toBe(before + 1)
    await expect(start(other, 'echo twice')).rejects.toMatchObject({ data: { krown: { code: 'CONFLICT' } } })
  })

  test('D01: without a token nothing is told, and the socket ends', async () => {
    await using late = await startGateway({ sockets: { sweepEveryMs: 20, authenticateWithinMs: 100 } })
    await using socket = await RawSocket.connect(late.url, '/trpc')
    socket.send({ id: 1, method: 'query', params: { path: 'auth.me' } })
    socket.send({ id: 2, method: 'subscription', params: { path: 'commands.output', input: {} } })
    for (const id of [1, 2]) {
      expect(codeOf(await socket.until((message) => message.id === id))).toBe('UNAUTHENTICATED')
    }
    expect(await socket.closed).toBe(4401)
  })

  test('D02: a foreign origin is refused before the upgrade, none and our own are not', async () => {
    const connecting = RawSocket.connect(gateway.url, '/trpc', { origin: 'https://evil.example' })
    await expect(connecting).rejects.toThrow('403')
    await using _none = await RawSocket.connect(gateway.url, '/trpc')
    await using _own = await RawSocket.connect(gateway.url, '/trpc', { origin: gateway.url })
  })

  test.each([
    ['not JSON', '{'],
    ['not an object', '[]'],
    ['null', 'null'],
    ['not text', '{"data":{"token":1}}'],
    ['too deep', `{"data":${'['.repeat(100)}${']'.repeat(100)}}`],
    ['with a forbidden name', '{"data":{"__proto__":"x"}}'],
  ])('D03: connection parameters that are %s close it with 4400', async (_, text) => {
    await using socket = await RawSocket.connect(gateway.url, '/trpc?connectionParams=1')
    socket.send(text)
    expect(await socket.closed).toBe(4400)
  })

  test('D03: connection parameters of 1 MiB close it with 1009', async () => {
    await using socket = await RawSocket.connect(gateway.url, '/trpc?connectionParams=1')
    socket.send(JSON.stringify({ data: { token: 'x'.repeat(1024 * 1024) } }))
    expect(await socket.closed).toBe(1009)
    expect((await call(gateway.url, 'GET /healthz')).status).toBe(200)
  })

  test('D05: an upgrade elsewhere is answered as any request there', async () => {
    await expect(RawSocket.connect(gateway.url, '/nothing')).rejects.toThrow('404')
    await expect(RawSocket.connect(gateway.url, '/trpcx')).rejects.toThrow('404')
    await expect(RawSocket.connect(gateway.url, '/healthz')).rejects.toThrow('200')
    expect((await call(gateway.url, 'GET /trpc')).status).toBe(400)
  })

  test('D08: a flood is closed with 4429, and others notice nothing', async () => {
    await using other = connect()
    await using talker = await RawSocket.connect(gateway.url, '/trpc')
    for (let sent = 0; sent < 5000; sent += 1) talker.send('PING')
    expect(await talker.closed).toBe(4429)
    // More pings in one packet than their answers could be sent: cut off without a word.
    await using pinger = await RawSocket.connect(gateway.url, '/trpc')
    for (let sent = 0; sent < 5000; sent += 1) pinger.ws.ping()
    expect([4429, 1006]).toContain(await pinger.closed)
    expect(await other.client.auth.me.query()).toMatchObject({ role: 'admin' })
  })

  test('D08: who is not signed in has few calls, however they are packed', async () => {
    await using stranger = await RawSocket.connect(gateway.url, '/trpc')
    const batch = Array.from({ length: 10 }, (_, id) => ({
      id,
      method: 'query',
      params: { path: 'system.info' },
    }))
    for (let sent = 0; sent < 200; sent += 1) stranger.send(batch)
    expect(await stranger.closed).toBe(4401)
    expect(stranger.heard.length).toBeLessThan(100)
  })

  test('A09: a refresh token opens nothing', async () => {
    const { refreshToken } = await gateway.signIn('first-admin')
    await using socket = connectTrpc(gateway.url, () => refreshToken)
    await expect(socket.client.auth.me.query()).rejects.toMatchObject({
      data: { krown: { code: 'UNAUTHENTICATED' } },
    })
  })

  test('C21: more than ten calls in a batch are refused', async () => {
    await using socket = await RawSocket.connect(gateway.url, '/trpc')
    socket.send(
      Array.from({ length: 11 }, (_, id) => ({ id, method: 'query', params: { path: 'system.info' } })),
    )
    expect(codeOf(await socket.until((message) => message.id === 10))).toBe('VALIDATION_FAILED')
    expect(socket.heard.some((message) => 'result' in message)).toBe(false)
  })

  test('a socket has at most as many subscriptions as configured, and gets places back', async () => {
    await using limited = await startGateway({
      targets: [target],
      config: { limits: { subscriptionsPerSocket: 2 } },
    })
    const { token } = await limited.admin()
    await using socket = connectTrpc(limited.url, () => token)
    const session = await openSession(socket)
    const { id } = await socket.client.commands.start.mutate({ sessionId: session.id, command: 'hang' })
    const subscribe = () =>
      new Promise<() => void>((resolve, reject) => {
        const subscription = socket.client.commands.output.subscribe(
          { commandId: id },
          { onStarted: () => resolve(() => subscription.unsubscribe()), onError: reject },
        )
      })
    const [stop] = await Promise.all([subscribe(), subscribe()])
    await expect(subscribe()).rejects.toMatchObject({ data: { krown: { code: 'QUOTA_EXCEEDED' } } })
    stop()
    await subscribe()
  })

  test('one user has at most as many sockets as configured, and so has one address', async () => {
    await using limited = await startGateway({
      config: { limits: { socketsPerUser: 2, socketsPerAddress: 4 } },
    })
    const { token } = await limited.admin()
    const open = async () => {
      const socket = await RawSocket.connect(limited.url, '/trpc?connectionParams=1')
      socket.send({ method: 'connectionParams', data: { token } })
      socket.send({ id: 1, method: 'query', params: { path: 'auth.me' } })
      return socket
    }
    await using first = await open()
    await using second = await open()
    for (const socket of [first, second]) await socket.until((message) => 'result' in message)
    await using third = await open()
    expect(await third.closed).toBe(4429)
    await using _third = await RawSocket.connect(limited.url, '/trpc')
    await using _fourth = await RawSocket.connect(limited.url, '/trpc')
    await expect(RawSocket.connect(limited.url, '/trpc')).rejects.toThrow('429')
  })
})
