import { randomUUID } from 'node:crypto'
import { KrownError } from '@krown/core'
import { type HostileSshServer, startHostileSshServer } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/call.js'
import { fakeKrown, TOKEN } from '../support/fake-krown.js'
import { type Gateway, type Person, startGateway } from '../support/gateway.js'
import { connectTo, readAll, request } from '../support/raw-http.js'
import { RawSocket } from '../support/raw-socket.js'
import { startServer } from '../support/start-server.js'

let target: HostileSshServer
let gateway: Gateway
let owner: Person

beforeAll(async () => {
  target = await startHostileSshServer()
  gateway = await startGateway({
    targets: [target],
    config: { limits: { socketsPerUser: 100, socketsPerAddress: 200 }, ssh: { maxSessionsPerUser: 100 } },
    sockets: { sweepEveryMs: 50 },
  })
  owner = await gateway.person('operator')
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await target.stop()
})

async function connect(person?: Person): Promise<RawSocket> {
  const socket = await RawSocket.connect(gateway.url, '/ws')
  if (!person) return socket
  socket.send({ type: 'authenticate', token: person.token, protocol: 1 })
  await socket.until(({ type }) => type === 'authenticated')
  return socket
}

async function openSession(person = owner): Promise<string> {
  const { username, password, port } = target
  const body = { host: '127.0.0.1', port, username, auth: { method: 'password', password } }
  const { body: session } = await call(gateway.url, 'POST /api/sessions', { token: person.token, body })
  return String(session.id)
}

const execute = (sessionId: string, command: string) =>
  call(gateway.url, `POST /api/sessions/${sessionId}/execute`, { token: owner.token, body: { command } })

const typesOf = (socket: RawSocket) => socket.heard.map(({ type }) => type)
const finished = ({ type }: Record<string, unknown>) => type === 'command_finished'

describe('/ws', () => {
  test('tells who one is, until when, and what one is held to', async () => {
    await using socket = await connect()
    socket.send({ type: 'authenticate', token: owner.token, protocol: 1, id: 'a-1' })
    const reply = await socket.until(({ id }) => id === 'a-1')
    expect(reply).toMatchObject({
      type: 'authenticated',
      user: { username: owner.user.username, role: 'operator' },
      limits: { messageBytes: 65_536, messagesPerSecond: 1000, subscriptions: 16 },
    })
    expect(Date.parse(String(reply.expiresAt))).toBeGreaterThan(Date.now())
    socket.send({ type: 'ping', id: 7 })
    expect(await socket.until(({ id }) => id === 7)).toEqual({ type: 'pong', id: 7 })
  })

  test('shows a session as it is, then everything that happens in it', async () => {
    const sessionId = await openSession()
    await using socket = await connect(owner)
    socket.send({ type: 'subscribe_session', sessionId, id: 1 })
    const subscribed = await socket.until(({ type }) => type === 'subscribed')
    expect(subscribed).toMatchObject({ sessionId, id: 1 })
    await execute(sessionId, 'echo hello')
    await socket.until(finished)
    await call(gateway.url, `DELETE /api/sessions/${sessionId}`, { token: owner.token })
    expect(await socket.until(({ type }) => type === 'unsubscribed')).toEqual({
      type: 'unsubscribed',
      sessionId,
    })
    expect(typesOf(socket).slice(1)).toEqual([
      'subscribed',
      'session_status',
      'command_started',
      'command_output',
      'command_finished',
      'session_status',
      'unsubscribed',
    ])
    const output = socket.heard.find(({ type }) => type === 'command_output')
    expect(output).toMatchObject({ stream: 'stdout', data: 'hello\n', encoding: 'utf8', offset: 0 })
    expect(socket.heard.findLast(({ type }) => type === 'session_status')).toMatchObject({
      session: { status: 'disconnected', statusReason: 'closed_by_user' },
    })
  })

  test('goes on after the number that one has, without loss or repetition', async () => {
    const sessionId = await openSession()
    const seen: Record<string, unknown>[] = []
    for (let round = 0; round < 3; round += 1) {
      await execute(sessionId, `echo round ${round}`)
      await using socket = await connect(owner)
      const after = Number(seen.at(-1)?.seq ?? 0)
      socket.send({ type: 'subscribe_session', sessionId, after })
      expect(await socket.until(({ type }) => type === 'subscribed')).toMatchObject({ seq: after })
      await socket.until(finished)
      seen.push(...socket.heard.filter(({ seq, type }) => typeof seq === 'number' && type !== 'subscribed'))
    }
    const seqs = seen.map(({ seq }) => Number(seq))
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
    const text = seen.filter(({ type }) => type === 'command_output').map(({ data }) => data)
    expect(text.join('')).toBe('round 0\nround 1\nround 2\n')
  })

  test('a subscription that ends before its first event is refused with its id', async () => {
    const events = async function* () {
      yield* []
      throw new KrownError('DRAINING', 'Krown is shutting down')
    }
    const me = async () => ({ username: 'ada' }) as never
    const get = async () => ({}) as never
    await using server = await startServer(fakeKrown({ client: { auth: { me }, sessions: { get, events } } }))
    await using socket = await RawSocket.connect(server.url, '/ws')
    const sessionId = randomUUID()
    socket.send({ type: 'authenticate', token: TOKEN, protocol: 1 })
    socket.send({ type: 'subscribe_session', sessionId, id: 'first' })
    socket.send({ type: 'subscribe_session', sessionId: randomUUID(), after: 3, id: 'later' })
    await socket.until(() => socket.heard.filter(({ type }) => type === 'unsubscribed').length === 2)
    const errors = socket.heard.filter(({ type }) => type === 'error')
    expect(errors.map(({ code, id }) => [code, id])).toEqual([
      ['DRAINING', 'first'],
      ['DRAINING', undefined],
    ])
    expect(socket.heard.filter(({ id }) => id === 'later')).toMatchObject([{ type: 'subscribed', seq: 3 }])
  })

  test('shows everything that one may see, without output', async () => {
    await using socket = await connect(owner)
    await using stranger = await connect(await gateway.person('operator'))
    for (const one of [socket, stranger]) {
      one.send({ type: 'subscribe_events', id: 'all' })
      expect(await one.until(({ type }) => type === 'subscribed')).toMatchObject({
        sessionId: null,
        id: 'all',
      })
    }
    const sessionId = await openSession()
    await execute(sessionId, 'echo hidden')
    await socket.until(finished)
    expect(typesOf(socket)).toContain('command_started')
    expect(typesOf(socket)).not.toContain('command_output')
    expect(typesOf(stranger)).toEqual(['authenticated', 'subscribed'])
  })

  test('stops on request, and may begin again', async () => {
    const sessionId = await openSession()
    await using socket = await connect(owner)
    for (const id of [1, 2]) {
      socket.send({ type: 'subscribe_session', sessionId, id })
      await socket.until((message) => message.type === 'subscribed' && message.id === id)
      socket.send({ type: 'subscribe_session', sessionId, id: `again ${id}` })
      expect(await socket.until((message) => message.id === `again ${id}`)).toMatchObject({
        code: 'CONFLICT',
      })
      socket.send({ type: 'unsubscribe_session', sessionId, id: `end ${id}` })
      const ended = await socket.until((message) => message.id === `end ${id}`)
      expect(ended).toEqual({ type: 'unsubscribed', sessionId, id: `end ${id}` })
    }
    const before = socket.heard.length
    await execute(sessionId, 'true')
    socket.send({ type: 'ping', id: 'after' })
    await socket.until(({ id }) => id === 'after')
    expect(socket.heard.length).toBe(before + 1)
  })

  test('B08: what one may not see is refused like what never was, and the socket stays open', async () => {
    const sessionId = await openSession()
    const strangers = [
      await gateway.person('readonly'),
      await gateway.person('operator'),
      await gateway.foreignAdmin(),
    ]
    for (const person of strangers) {
      await using socket = await connect(person)
      const refusalOf = async (id: string) => {
        socket.send({ type: 'subscribe_session', sessionId: id, after: 0, id })
        return { ...(await socket.until((message) => message.id === id)), id: '' }
      }
      const refusal = await refusalOf(sessionId)
      expect(refusal).toMatchObject({ type: 'error', code: 'NOT_FOUND' })
      expect(await refusalOf(randomUUID())).toEqual(refusal)
      await execute(sessionId, 'echo secret')
      socket.send({ type: 'ping' })
      await socket.until(({ type }) => type === 'pong')
      expect(typesOf(socket)).toEqual(['authenticated', 'error', 'error', 'pong'])
    }
  })

  test('D01: only authenticate is accepted before there is a token, and it has its time', async () => {
    await using late = await startGateway({ sockets: { sweepEveryMs: 20, authenticateWithinMs: 100 } })
    await using socket = await RawSocket.connect(late.url, '/ws')
    const messages = ['subscribe_events', 'subscribe_session', 'unsubscribe_session', 'ping']
    for (const type of messages) socket.send({ type, sessionId: randomUUID(), id: type })
    for (const type of messages) {
      expect(await socket.until(({ id }) => id === type)).toMatchObject({ code: 'UNAUTHENTICATED' })
    }
    expect(await socket.closed).toBe(4401)
  })

  test('A09: a refresh token, or any other wrong one, is refused', async () => {
    await using socket = await connect()
    for (const token of [owner.refreshToken, 'x', owner.token.slice(0, -2)]) {
      socket.send({ type: 'authenticate', token, protocol: 1, id: token })
      expect(await socket.until(({ id }) => id === token || id === undefined)).toMatchObject({
        type: 'error',
      })
    }
    expect(typesOf(socket)).not.toContain('authenticated')
  })

  test('D02: a foreign origin is refused before the upgrade', async () => {
    const connecting = RawSocket.connect(gateway.url, '/ws', { origin: 'https://evil.example' })
    await expect(connecting).rejects.toThrow('403')
    await expect(RawSocket.connect(gateway.url, '/ws', { origin: 'null' })).rejects.toThrow('403')
    const otherScheme = gateway.url.replace('http:', 'https:')
    await expect(RawSocket.connect(gateway.url, '/ws', { origin: otherScheme })).rejects.toThrow('403')
    await using _own = await RawSocket.connect(gateway.url, '/ws', { origin: gateway.url })
  })

  test.each([
    ['not JSON', '{'],
    ['no object', '[]'],
    ['without a type', '{"id":1}'],
    ['with a type that is no text', '{"type":1}'],
    ['too deep', `{"type":"ping","id":${'['.repeat(40)}${']'.repeat(40)}}`],
    ['with a forbidden name', '{"type":"ping","__proto__":{}}'],
  ])('D03: a message that is %s closes it with 4400', async (_, text) => {
    await using socket = await connect()
    socket.send(text)
    expect(await socket.closed).toBe(4400)
  })

  test('D03: unknown types, fields and values are refused, and the socket stays open', async () => {
    await using socket = await connect(owner)
    const refused = [
      { type: 'nothing' },
      { type: '__proto__' },
      { type: 'toString' },
      { type: 'ping', more: 1 },
      { type: 'subscribe_session' },
      { type: 'subscribe_session', sessionId: 'x' },
      { type: 'subscribe_session', sessionId: randomUUID(), after: -1 },
      { type: 'authenticate', token: owner.token },
      { type: 'authenticate', token: owner.token, protocol: 2 },
    ]
    for (const [id, message] of refused.entries()) {
      socket.send({ ...message, id })
      expect(await socket.until((reply) => reply.id === id)).toMatchObject({ code: 'VALIDATION_FAILED' })
    }
    socket.send({ type: 'ping' })
    await socket.until(({ type }) => type === 'pong')
  })

  test('D03: what is no id is not said back', async () => {
    await using socket = await connect(owner)
    for (const id of ['x'.repeat(65), 1.5, true, {}]) {
      const before = socket.heard.length
      socket.send({ type: 'nothing', id })
      const refusal = await socket.until((message) => socket.heard.indexOf(message) >= before)
      expect(refusal).toMatchObject({ type: 'error', code: 'VALIDATION_FAILED' })
      expect(refusal).not.toHaveProperty('id')
    }
    socket.send({ type: 'nothing', id: 'x'.repeat(64) })
    await socket.until(({ id }) => id === 'x'.repeat(64))
  })

  test('D07: frames that break the protocol end it with their code', async () => {
    const frames: [string, Buffer, number][] = [
      ['RSV1', Buffer.from([0xc1, 0x80, 0, 0, 0, 0]), 1002],
      ['unmasked', Buffer.from([0x81, 0x02, 0x7b, 0x7d]), 1002],
      ['a control frame of 126 bytes', Buffer.from([0x89, 0xfe, 0, 126, 0, 0, 0, 0]), 1002],
      ['invalid UTF-8', Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]), 1007],
      ['65,537 bytes', Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0]), 1009],
      ['binary', Buffer.from([0x82, 0x81, 0, 0, 0, 0, 1]), 4400],
      ['fragments without end', Buffer.concat([fragment(0x01), ...Array(100).fill(fragment(0x00))]), 1008],
    ]
    for (const [what, frame, code] of frames)
      expect([what, await closeCodeAfter(frame)]).toEqual([what, code])
  })

  test('D08: a flood is closed with 4429, and others notice nothing', async () => {
    await using other = await connect(owner)
    await using socket = await connect(owner)
    for (let sent = 0; sent < 20_000; sent += 1) socket.send({ type: 'ping' })
    expect(await socket.closed).toBe(4429)
    other.send({ type: 'ping' })
    await other.until(({ type }) => type === 'pong')
  })

  test('as many subscriptions as configured, and no more', async () => {
    const sessions = await Promise.all(Array.from({ length: 17 }, () => openSession()))
    await using socket = await connect(owner)
    for (const sessionId of sessions) socket.send({ type: 'subscribe_session', sessionId, id: sessionId })
    const last = String(sessions.at(-1))
    expect(await socket.until(({ id }) => id === last)).toMatchObject({
      type: 'error',
      code: 'QUOTA_EXCEEDED',
    })
    for (const sessionId of sessions) {
      await call(gateway.url, `DELETE /api/sessions/${sessionId}`, { token: owner.token })
    }
  })
})

/** One byte of text, to be continued. */
function fragment(opcode: number): Buffer {
  return Buffer.from([opcode, 0x81, 0, 0, 0, 0, 0x61])
}

/** Sends bytes on a fresh WebSocket and reads the code of the close frame that comes back. */
async function closeCodeAfter(bytes: Buffer): Promise<number | undefined> {
  const port = gateway.server.port
  const socket = await connectTo(port)
  const answer = readAll(socket)
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  socket.write(request('GET /ws HTTP/1.1', upgrade))
  socket.write(bytes)
  const { text, statuses } = await answer
  expect(statuses).toEqual([101])
  const frame = Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1')
  return frame[0] === 0x88 ? frame.readUInt16BE(2) : undefined
}
