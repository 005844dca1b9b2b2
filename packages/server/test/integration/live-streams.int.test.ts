import type { CommandId, SessionId } from '@krown/core'
import { floodPastWindow, type HostileSshServer, startHostileSshServer, waitFor } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CommandOutputMessage } from '../../src/trpc/command-output.js'
import { call } from '../support/call.js'
import { type Gateway, type GatewayOptions, type Person, startGateway } from '../support/gateway.js'
import { RawSocket } from '../support/raw-socket.js'
import { connectTrpc, type TrpcSocket } from '../support/trpc.js'

const MIB = 1024 * 1024
/** Core keeps the place of a driver for so long. */
const DRIVER_RETURN_MS = 5000

let target: HostileSshServer
let gateway: Gateway
let owner: Person

beforeAll(async () => {
  target = await startHostileSshServer({
    onExec: (command, channel, context) => {
      if (command === 'past-window') void floodPastWindow(channel, { totalBytes: 256 * MIB })
      else if (command === 'say-and-drop') channel.write('so far', () => context.connection.drop())
      else context.runDefault()
    },
  })
  gateway = await start()
  owner = await gateway.admin()
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await target.stop()
})

const start = (options: GatewayOptions = {}) =>
  startGateway({ targets: [target], config: { limits: { requestsPerActor: 100_000 } }, ...options })

const connect = (url = gateway.url, { token } = owner) => connectTrpc(url, () => token)

async function startCommand(socket: TrpcSocket, command: string, streamed = true) {
  const { username, password, port } = target
  const auth = { method: 'password' as const, password }
  const session = await socket.client.sessions.open.mutate({ host: '127.0.0.1', port, username, auth })
  const { id } = await socket.client.commands.start.mutate({ sessionId: session.id, command, streamed })
  return { sessionId: session.id, id }
}

/** Everything that a stream says until it ends. */
function readAll({ client }: TrpcSocket, commandId: CommandId): Promise<CommandOutputMessage[]> {
  const messages: CommandOutputMessage[] = []
  return new Promise((resolve, reject) => {
    const onData = ({ data }: { data: CommandOutputMessage }) => messages.push(data)
    const onComplete = () => resolve(messages)
    client.commands.output.subscribe({ commandId }, { onData, onComplete, onError: reject })
  })
}

const bytesOf = (messages: readonly CommandOutputMessage[], stream: 'stdout' | 'stderr') =>
  messages.reduce(
    (sum, message) =>
      message.type === 'output' && message.stream === stream
        ? sum + Buffer.from(message.data, message.encoding).length
        : sum,
    0,
  )

async function statusOf(url: string, { token }: Person, id: CommandId) {
  const { body } = await call(url, `GET /api/commands/${id}`, { token })
  return { status: String(body.status), bytes: Number(body.stdoutBytes) }
}

describe('a stream of output', () => {
  test('F18: a connection that drops is the last that it tells, after the output so far', async () => {
    await using socket = connect()
    const messages = await readAll(socket, (await startCommand(socket, 'say-and-drop')).id)
    expect(messages).toMatchObject([
      { type: 'output', data: 'so far' },
      { type: 'finished', command: { status: 'interrupted', errorCode: 'SESSION_LOST' } },
    ])
  })

  test('F19 F20: every byte of a flood arrives, on either stream', async () => {
    await using socket = connect()
    for (const stream of ['stdout', 'stderr'] as const) {
      const { id } = await startCommand(socket, `flood-${stream} ${24 * MIB}`)
      const messages = await readAll(socket, id)
      expect(messages.at(-1)).toMatchObject({ type: 'finished', command: { status: 'completed' } })
      expect(messages.some(({ type }) => type === 'gap')).toBe(false)
      expect(bytesOf(messages, stream)).toBe(24 * MIB)
    }
  })

  test('F21: a target that ignores the flow window is cut off, and the stream says so', async () => {
    await using control = connect()
    await using socket = await openRaw(gateway.url, owner)
    const { id, sessionId } = await startCommand(control, 'past-window')
    subscribe(socket, id)
    await socket.until((message) => message.id === 1)
    socket.ws.pause()
    const hasEnded = async () => (await sessionStatus(sessionId)) === 'disconnected'
    await waitFor(hasEnded, { what: 'the target to be cut off', timeoutMs: 20_000 })
    socket.ws.resume()
    await socket.until(isStopped)
    expect(socket.heard.flatMap(({ result }) => messageOf(result)).at(-1)).toMatchObject({
      type: 'finished',
      command: { status: 'interrupted', errorCode: 'TARGET_PROTOCOL_ERROR' },
    })
  })

  test('D10: a driver that stops reading stops the target; it goes on where it stopped', async () => {
    await using socket = await openRaw(gateway.url, owner)
    await using control = connect()
    const { id } = await startCommand(control, `flood-stdout ${48 * MIB}`)
    const before = process.memoryUsage.rss()
    subscribe(socket, id)
    await socket.until((message) => message.id === 1)
    socket.ws.pause()
    let bytes = -1
    const stands = async () => {
      const earlier = bytes
      bytes = (await statusOf(gateway.url, owner, id)).bytes
      return earlier === bytes
    }
    await waitFor(async () => (await stands()) && (await stands()) && (await stands()), {
      what: 'the target to be held',
      timeoutMs: 20_000,
    })
    expect(bytes).toBeLessThan(48 * MIB)
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * MIB)
    socket.ws.resume()
    await socket.until(isStopped)
    const messages = socket.heard.flatMap(({ result }) => messageOf(result))
    expect(messages.at(-1)).toMatchObject({ type: 'finished', command: { status: 'completed' } })
    expect(messages.some(({ type }) => type === 'gap')).toBe(false)
    expect(bytesOf(messages, 'stdout')).toBe(48 * MIB)
  })

  test('a driver who is cut off has his place kept, and nobody else gets it', async () => {
    await using control = connect()
    const other = await gateway.person('admin')
    const { id } = await startCommand(control, `flood-stdout ${48 * MIB}`)
    const cut = await openRaw(gateway.url, owner)
    subscribe(cut, id)
    await cut.until(isOutput)
    cut.ws.terminate()
    await cut.closed
    await using watcher = await openRaw(gateway.url, other)
    subscribe(watcher, id)
    await using back = await openRaw(gateway.url, owner)
    subscribe(back, id, cut.heard.flatMap(({ result }) => idOf(result)).at(-1))
    await back.until(isStopped)
    const messages = [cut, back].flatMap(({ heard }) => heard.flatMap(({ result }) => messageOf(result)))
    expect(messages.at(-1)).toMatchObject({ type: 'finished', command: { status: 'completed' } })
    expect(messages.some(({ type }) => type === 'gap')).toBe(false)
    expect(bytesOf(messages, 'stdout')).toBe(48 * MIB)
  })

  test.each([
    ['stops listening', (socket: RawSocket) => socket.send({ id: 1, method: 'subscription.stop' })],
    ['says good-bye', (socket: RawSocket) => socket.ws.close()],
  ])('a driver who %s has no place kept: the command goes on', async (_, leave) => {
    await using control = connect()
    await using socket = await openRaw(gateway.url, owner)
    const { id, sessionId } = await startCommand(control, 'flood-stdout')
    subscribe(socket, id)
    await socket.until(isOutput)
    leave(socket)
    const { bytes } = await statusOf(gateway.url, owner, id)
    await waitFor(async () => (await statusOf(gateway.url, owner, id)).bytes > bytes + 16 * MIB, {
      what: 'the command to go on',
      timeoutMs: DRIVER_RETURN_MS - 1000,
    })
    await control.client.sessions.close.mutate({ sessionId })
  })

  test.each(['/trpc', '/ws'] as const)(
    'D10: who takes nothing on %s is cut off, and the command goes on',
    async (door) => {
      await using impatient = await start({ sockets: { stallMs: 300, closeWithinMs: 100, sweepEveryMs: 50 } })
      const admin = await impatient.admin()
      await using control = connect(impatient.url, admin)
      const { id, sessionId } = await startCommand(control, 'flood-stdout', door === '/trpc')
      await using socket = await openRaw(impatient.url, admin, door)
      if (door === '/trpc') subscribe(socket, id)
      else socket.send({ type: 'subscribe_session', sessionId, after: 0 })
      await socket.until(({ type, id: messageId }) => type === 'subscribed' || messageId === 1)
      socket.ws.pause()
      const connections = async () =>
        new Promise<number>((resolve) =>
          impatient.server.app.server.getConnections((_, count) => resolve(count)),
        )
      await waitFor(async () => (await connections()) === 1, {
        what: 'the reader to be cut off',
        timeoutMs: 20_000,
      })
      const { bytes, status } = await statusOf(impatient.url, admin, id)
      expect(status).toBe('running')
      await waitFor(async () => (await statusOf(impatient.url, admin, id)).bytes > bytes, {
        what: 'the command to go on',
      })
      await control.client.sessions.close.mutate({ sessionId })
    },
  )

  test('D11: of four who watch, one that is slow is told of a gap, and three notice nothing', async () => {
    await using control = connect()
    const { sessionId } = await startCommand(control, 'true')
    const watch = async () => {
      const socket = await openRaw(gateway.url, owner, '/ws')
      socket.send({ type: 'subscribe_session', sessionId })
      await socket.until(({ type }) => type === 'session_status')
      return socket
    }
    await using slow = await watch()
    await using first = await watch()
    await using second = await watch()
    await using third = await watch()
    slow.ws.pause()
    const { id } = await control.client.commands.start.mutate({
      sessionId,
      command: `flood-stdout ${16 * MIB}`,
    })
    for (const socket of [first, second, third]) await socket.until(isEndOf(id))
    slow.ws.resume()
    await slow.until(isEndOf(id))
    for (const socket of [slow, first, second, third]) expect(coverage(socket, id)).toBe(16 * MIB)
    expect(slow.heard.some(({ type }) => type === 'gap')).toBe(true)
    await control.client.sessions.close.mutate({ sessionId: sessionId as SessionId })
  })
})

async function sessionStatus(id: string): Promise<unknown> {
  const { body } = await call(gateway.url, `GET /api/sessions/${id}`, { token: owner.token })
  return body.status
}

const isStopped = ({ result }: Record<string, unknown>) => (result as { type?: string })?.type === 'stopped'

const isEndOf = (id: CommandId) => (message: Record<string, unknown>) =>
  message.type === 'command_finished' && (message.command as { id: string }).id === id

/** Bytes of a command that a watcher was shown or told to have missed; each once, in order. */
function coverage({ heard }: RawSocket, id: CommandId): number {
  let end = 0
  for (const message of heard) {
    if (message.commandId !== id) continue
    if (message.type === 'gap') {
      expect(message.fromOffset).toBe(end)
      end = Number(message.toOffset)
    } else {
      expect(message.offset).toBe(end)
      end += Buffer.from(String(message.data), message.encoding as BufferEncoding).length
    }
  }
  return end
}

async function openRaw(url: string, { token }: Person, door: '/trpc' | '/ws' = '/trpc'): Promise<RawSocket> {
  if (door === '/trpc') {
    const socket = await RawSocket.connect(url, '/trpc?connectionParams=1')
    socket.send({ method: 'connectionParams', data: { token } })
    return socket
  }
  const socket = await RawSocket.connect(url, '/ws')
  socket.send({ type: 'authenticate', token, protocol: 1 })
  await socket.until(({ type }) => type === 'authenticated')
  return socket
}

function subscribe(socket: RawSocket, commandId: CommandId, lastEventId?: string): void {
  const params = { path: 'commands.output', input: { commandId }, lastEventId }
  socket.send({ id: 1, method: 'subscription', params })
}

function idOf(result: unknown): string[] {
  const { type, id } = (result ?? {}) as { type?: string; id?: string }
  return type === 'data' && id !== undefined ? [id] : []
}

const isOutput = ({ result }: Record<string, unknown>) => messageOf(result).length > 0

function messageOf(result: unknown): CommandOutputMessage[] {
  const { type, data } = (result ?? {}) as { type?: string; data?: { data: CommandOutputMessage } }
  return type === 'data' && data ? [data.data] : []
}
