import { FakeClock, type HostileSshServer, startHostileSshServer, waitFor } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/call.js'
import { type Gateway, type GatewayOptions, type Person, startGateway } from '../support/gateway.js'
import { type Attached, attachTo, bytesOf, input, openShell, textOf } from '../support/raw-channel.js'
import { RawSocket } from '../support/raw-socket.js'

const KIB = 1024
const MIB = 1024 * KIB

let target: HostileSshServer
/** What the shells of the target read, in the order in which they were opened. */
let typed: Buffer[][]

beforeAll(async () => {
  typed = []
  target = await startHostileSshServer({
    onShell: (channel, context) => {
      const { term = '' } = context.pty ?? {}
      const read: Buffer[] = []
      typed.push(read)
      if (term === 'silent') return void channel.pause()
      if (term.startsWith('print-')) channel.write(Buffer.alloc(Number(term.slice(6)), 'krown '))
      if (term === 'two-streams') {
        channel.write('out')
        channel.stderr.write('err')
      }
      channel.on('data', (data: Buffer) => read.push(data))
      if (term === 'echo' || term === 'xterm-256color')
        channel.on('data', (data: Buffer) => channel.write(data))
      context.onSignal((name) => {
        channel.exit(name as never)
        channel.end()
      })
    },
  })
})
afterAll(() => target.stop())

const start = (options: GatewayOptions = {}) =>
  startGateway({ targets: [target], ...options, sockets: { sweepEveryMs: 50, ...options.sockets } })

async function connect(gateway: Gateway, { token }: Person): Promise<RawSocket> {
  const socket = await RawSocket.connect(gateway.url, '/ws')
  socket.send({ type: 'authenticate', token, protocol: 1 })
  await socket.until(({ type }) => type === 'authenticated')
  return socket
}

async function openSession(gateway: Gateway, { token }: Person): Promise<string> {
  const { username, password, port } = target
  const body = { host: '127.0.0.1', port, username, auth: { method: 'password', password } }
  const answer = await call(gateway.url, 'POST /api/sessions', { token, body })
  return String(answer.body.id)
}

const readBytes = (index: number) => Buffer.concat(typed[index] ?? [])
const newest = () => typed.length - 1
const errorsOf = ({ heard }: RawSocket) => heard.filter(({ type }) => type === 'error')

describe('a shell over /ws', () => {
  let gateway: Gateway
  let owner: Person
  beforeAll(async () => {
    gateway = await start()
    owner = await gateway.person('operator')
  })
  afterAll(() => gateway[Symbol.asyncDispose]())

  test('is opened, typed into, resized, signalled, and says how it ended', async () => {
    await using socket = await connect(gateway, owner)
    const sessionId = await openSession(gateway, owner)
    socket.send({ type: 'open_shell', sessionId, term: 'xterm-256color', columns: 90, rows: 20, id: 'o' })
    const opened = await socket.until(({ id }) => id === 'o')
    expect(opened).toMatchObject({
      type: 'channel_opened',
      role: 'driver',
      offset: 0,
      info: { kind: 'shell', terminal: { term: 'xterm-256color', columns: 90, rows: 20 } },
    })
    const { channel, channelId } = opened as unknown as Attached
    socket.ws.send(input(channel, 'typed'))
    await socket.untilSome(() => (textOf(socket, channel) === 'typed' ? true : undefined))
    // The target took all five bytes.
    await socket.untilSome(() =>
      socket.frames.find((frame) => frame[0] === 4 && frame.readBigUInt64BE(5) === 5n),
    )
    socket.send({ type: 'resize', channel, columns: 5000, rows: 0, id: 'r' })
    expect(await socket.until(({ id }) => id === 'r')).toEqual({ type: 'done', channel, id: 'r' })
    expect(await socket.until(({ type }) => type === 'resized')).toEqual({
      type: 'resized',
      channel,
      columns: 1000,
      rows: 1,
    })
    socket.send({ type: 'signal', channel, signal: 'INT', id: 's' })
    const closed = await socket.until(({ type }) => type === 'channel_closed')
    expect(closed).toMatchObject({
      channel,
      exitCode: null,
      signal: 'INT',
      errorCode: null,
      command: { id: channelId, kind: 'shell', status: 'completed' },
    })
  })

  test('says of each byte which stream it was on', async () => {
    await using socket = await connect(gateway, owner)
    const { channel } = await openShell(socket, await openSession(gateway, owner), { term: 'two-streams' })
    await socket.untilSome(() => (bytesOf(socket, channel).length === 6 ? true : undefined))
    const kinds = new Map(socket.frames.map((frame) => [frame.subarray(13).toString(), frame[0]]))
    expect([kinds.get('out'), kinds.get('err')]).toEqual([1, 2])
  })

  test('runs on when it is left, and is attached to again without a gap or a duplicate', async () => {
    const sessionId = await openSession(gateway, owner)
    await using first = await connect(gateway, owner)
    const { channel, channelId } = await openShell(first, sessionId)
    first.ws.send(input(channel, 'before '))
    await first.untilSome(() => (textOf(first, channel) === 'before ' ? true : undefined))
    first.send({ type: 'detach', channel, id: 'd' })
    expect(await first.until(({ id }) => id === 'd')).toEqual({ type: 'detached', channel, id: 'd' })
    first.ws.send(input(channel, 'lost'))
    expect(await first.until(({ type }) => type === 'error')).toMatchObject({ code: 'NOT_FOUND', channel })
    await using second = await connect(gateway, owner)
    const again = await attachTo(second, { channelId, offset: 7 })
    expect(again).toMatchObject({ role: 'driver', offset: 7 })
    second.ws.send(input(again.channel, 'after'))
    await second.untilSome(() => (textOf(second, again.channel) === 'after' ? true : undefined))
    second.send({ type: 'close_channel', channel: again.channel, id: 'c' })
    await second.until(({ type }) => type === 'channel_closed')
    await second.until(({ id }) => id === 'c')
    second.send({ type: 'attach', channelId, id: 'gone' })
    expect(await second.until(({ id }) => id === 'gone')).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('the keyboard is taken over explicitly, and everybody is told', async () => {
    const sessionId = await openSession(gateway, owner)
    await using mine = await connect(gateway, owner)
    const { channel, channelId } = await openShell(mine, sessionId)
    const admin = await gateway.admin()
    await using theirs = await connect(gateway, admin)
    const other = await attachTo(theirs, { channelId })
    expect(other.role).toBe('watcher')
    theirs.send({ type: 'take_over', channel: other.channel, id: 't' })
    await theirs.until(({ id }) => id === 't')
    const keyboard = { type: 'keyboard', channel, userId: admin.user.id }
    expect(await mine.until(({ type }) => type === 'keyboard')).toEqual({ ...keyboard, role: 'watcher' })
    expect(await theirs.until(({ type }) => type === 'keyboard')).toEqual({ ...keyboard, role: 'driver' })
    mine.ws.send(input(channel, 'no'))
    expect(await mine.until(({ type }) => type === 'error')).toMatchObject({
      code: 'CONFLICT',
      channel,
      inputOffset: 2,
    })
    theirs.ws.send(input(other.channel, 'yes'))
    await mine.untilSome(() => (textOf(mine, channel) === 'yes' ? true : undefined))
    expect(readBytes(newest()).toString()).toBe('yes')
  })

  test('one socket may be attached to the same channel twice, and to 64 channels at most', async () => {
    await using socket = await connect(gateway, owner)
    const { channel, channelId } = await openShell(socket, await openSession(gateway, owner))
    const numbers = new Set([channel])
    for (let i = 1; i < 64; i += 1) numbers.add((await attachTo(socket, { channelId })).channel)
    expect(numbers.size).toBe(64)
    socket.send({ type: 'attach', channelId, id: 'many' })
    expect(await socket.until(({ id }) => id === 'many')).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      details: { limit: 64 },
    })
    socket.send({ type: 'detach', channel, id: 'd' })
    await socket.until(({ id }) => id === 'd')
    expect(await attachTo(socket, { channelId })).toMatchObject({ role: 'driver' })
  })

  test('200 times attached and left while it prints, nothing is left behind', async () => {
    await using socket = await connect(gateway, owner)
    const sessionId = await openSession(gateway, owner)
    const shell = await openShell(socket, sessionId, { term: `print-${64 * KIB}` })
    for (let round = 0; round < 50; round += 1) {
      const watchers: Attached[] = []
      for (let i = 0; i < 4; i += 1) {
        watchers.push(await attachTo(socket, { channelId: shell.channelId, offset: 0 }))
      }
      socket.ws.send(input(shell.channel, `${round} `))
      for (const { channel } of watchers) {
        socket.send({ type: 'detach', channel, id: `${round} ${channel}` })
        await socket.until(({ id }) => id === `${round} ${channel}`)
      }
      socket.heard.length = 0
      socket.frames.length = 0
    }
    const { body } = await call(gateway.url, `GET /api/channels/${shell.channelId}`, { token: owner.token })
    expect(body.attached).toMatchObject([{ role: 'driver' }])
    // Every place is free again.
    for (let i = 1; i < 64; i += 1) await attachTo(socket, { channelId: shell.channelId })
  })

  test('bytes are passed on as they are, also where they are no text and split anywhere', async () => {
    await using socket = await connect(gateway, owner)
    const { channel } = await openShell(socket, await openSession(gateway, owner), { term: 'echo' })
    const index = newest()
    const text = Buffer.from('c3', 'hex')
    const pieces = [
      text,
      Buffer.from('a9ff00e282', 'hex'),
      Buffer.from('acf0', 'hex'),
      Buffer.from('9f9880', 'hex'),
    ]
    for (const piece of pieces) {
      const before = bytesOf(socket, channel).length
      socket.ws.send(input(channel, piece))
      await socket.untilSome(() => bytesOf(socket, channel).length === before + piece.length || undefined)
    }
    expect(bytesOf(socket, channel).equals(Buffer.concat(pieces))).toBe(true)
    expect(readBytes(index).equals(Buffer.concat(pieces))).toBe(true)
  })

  test('an attach from the future is a conflict, and leaves the socket as it was', async () => {
    await using socket = await connect(gateway, owner)
    const { channelId } = await openShell(socket, await openSession(gateway, owner))
    socket.send({ type: 'attach', channelId, offset: 1e9, id: 'f' })
    expect(await socket.until(({ id }) => id === 'f')).toMatchObject({ type: 'error', code: 'CONFLICT' })
    expect(await attachTo(socket, { channelId })).toMatchObject({ role: 'watcher' })
  })

  test('what is no input closes the socket', async () => {
    for (const frame of [Buffer.alloc(0), Buffer.from([3, 0, 0]), Buffer.alloc(20, 1)]) {
      await using socket = await connect(gateway, owner)
      socket.ws.send(frame)
      expect(await socket.closed).toBe(4400)
    }
  })
})

describe('flow over /ws', () => {
  let gateway: Gateway
  let owner: Person
  beforeAll(async () => {
    gateway = await start()
    owner = await gateway.person('operator')
  })
  afterAll(() => gateway[Symbol.asyncDispose]())

  test('no more is sent than the window, and acknowledging goes on', async () => {
    await using socket = await connect(gateway, owner)
    const sessionId = await openSession(gateway, owner)
    const flow = { windowBytes: 4 * KIB }
    const { channel } = await openShell(socket, sessionId, { term: `print-${20 * KIB}`, flow })
    const holds = (bytes: number) =>
      socket.untilSome(() => bytesOf(socket, channel).length >= bytes || undefined)
    await holds(4 * KIB)
    socket.send({ type: 'ping' })
    await socket.until(({ type }) => type === 'pong')
    expect(bytesOf(socket, channel).length).toBe(4 * KIB)
    socket.send({ type: 'ack', channel, offset: 1000 })
    await holds(4 * KIB + 1000)
    for (let at = 2 * KIB; at <= 20 * KIB; at += 2 * KIB) {
      await holds(Math.min(at, 20 * KIB))
      socket.send({ type: 'ack', channel, offset: at })
    }
    await holds(20 * KIB)
    expect(bytesOf(socket, channel).equals(Buffer.alloc(20 * KIB, 'krown '))).toBe(true)
    socket.send({ type: 'ack', channel, offset: 20 * KIB + 1, id: 'future' })
    expect(await socket.until(({ id }) => id === 'future')).toMatchObject({ code: 'VALIDATION_FAILED' })
  })

  test('windows are from 4 KiB to 1 MiB', async () => {
    await using socket = await connect(gateway, owner)
    const { channelId } = await openShell(socket, await openSession(gateway, owner))
    for (const windowBytes of [0, 4 * KIB - 1, MIB + 1, 1e12]) {
      socket.send({ type: 'attach', channelId, flow: { windowBytes }, id: windowBytes })
      expect(await socket.until(({ id }) => id === windowBytes)).toMatchObject({ code: 'VALIDATION_FAILED' })
    }
  })

  test('D10: a driver that acknowledges nothing holds the target for 60 s, then is detached; its socket stays', async () => {
    const clock = new FakeClock(Date.now())
    const timed = await start({ parts: { clock } })
    const driver = await timed.person('operator')
    await using socket = await connect(timed, driver)
    const sessionId = await openSession(timed, driver)
    const shell = await openShell(socket, sessionId, {
      term: `print-${8 * MIB}`,
      flow: { windowBytes: 4 * KIB },
    })
    const end = async () => {
      const answer = await call(timed.url, `GET /api/channels/${shell.channelId}`, { token: driver.token })
      return Number(answer.body.end)
    }
    await waitFor(async () => (await end()) > 900 * KIB, { what: 'as much as is held for a driver' })
    expect(await end()).toBeLessThan(2 * MIB)
    expect(bytesOf(socket, shell.channel).length).toBe(4 * KIB)
    // In steps, so that the target can say that it is there.
    for (let second = 0; second < 60; second += 5) {
      clock.advance(5_000)
      await call(timed.url, `POST /api/sessions/${sessionId}/execute`, {
        token: driver.token,
        body: { command: 'true' },
      })
    }
    expect(await socket.until(({ type }) => type === 'detached')).toMatchObject({ channel: shell.channel })
    expect(errorsOf(socket)).toMatchObject([{ code: 'READER_TOO_SLOW', channel: shell.channel }])
    await waitFor(async () => (await end()) === 8 * MIB, { what: 'the shell to print all' })
    const again = await attachTo(socket, { channelId: shell.channelId, offset: 4 * KIB })
    expect(again.role).toBe('driver')
    expect(await socket.until(({ type }) => type === 'gap')).toMatchObject({
      channel: again.channel,
      fromOffset: 4 * KIB,
    })
    // What ends is given its time.
    const moving = setInterval(() => clock.advance(1_000), 20)
    await timed[Symbol.asyncDispose]()
    clearInterval(moving)
  })

  test('D11: a watcher that acknowledges nothing slows nobody down, and is told of the gap', async () => {
    const sessionId = await openSession(gateway, owner)
    await using fast = await connect(gateway, owner)
    const shell = await openShell(fast, sessionId, {
      term: `print-${2 * MIB}`,
      flow: { windowBytes: 64 * KIB },
    })
    const admin = await gateway.admin()
    await using slow = await connect(gateway, admin)
    const watcher = await attachTo(slow, {
      channelId: shell.channelId,
      offset: 0,
      flow: { windowBytes: 4 * KIB },
    })
    let acked = 0
    await fast.untilSome(() => {
      const has = bytesOf(fast, shell.channel).length
      if (has - acked >= 16 * KIB || has === 2 * MIB) {
        acked = has
        fast.send({ type: 'ack', channel: shell.channel, offset: has })
      }
      return has === 2 * MIB || undefined
    })
    expect(bytesOf(slow, watcher.channel).length).toBe(4 * KIB)
    slow.send({ type: 'ack', channel: watcher.channel, offset: 4 * KIB })
    const gap = await slow.until(({ type }) => type === 'gap')
    expect(gap).toMatchObject({ channel: watcher.channel, fromOffset: 4 * KIB })
    expect(Number(gap.toOffset)).toBeGreaterThan(4 * KIB)
  })

  test('D15: 10 MiB are pasted at the rate at which the target reads, at most 1 MiB waits, and nothing is lost', async () => {
    await using socket = await connect(gateway, owner)
    await using other = await connect(gateway, owner)
    const { channel } = await openShell(socket, await openSession(gateway, owner), { term: 'sink' })
    const index = newest()
    const text = Buffer.from(Uint8Array.from({ length: 10 * MIB }, (_, i) => (i * 31 + (i >> 8)) & 0xff))
    const size = 60 * KIB
    for (let at = 0; at < text.length; at += size)
      socket.ws.send(input(channel, text.subarray(at, at + size)))
    await waitFor(() => (typed[index] ?? []).reduce((sum, { length }) => sum + length, 0) === text.length, {
      what: 'all of it at the target',
      timeoutMs: 20_000,
    })
    expect(readBytes(index).equals(text)).toBe(true)
    other.send({ type: 'ping' })
    await other.until(({ type }) => type === 'pong')
  })

  test('D15: a target that reads nothing stops the reading of the socket, not of others', async () => {
    await using socket = await connect(gateway, owner)
    const { channel } = await openShell(socket, await openSession(gateway, owner), { term: 'silent' })
    const piece = Buffer.alloc(60 * KIB, 'x')
    for (let i = 0; i < 600; i += 1) socket.ws.send(input(channel, piece))
    socket.send({ type: 'ping', id: 'behind' })
    await using other = await connect(gateway, owner)
    other.send({ type: 'ping' })
    await other.until(({ type }) => type === 'pong')
    expect(socket.heard.some(({ type }) => type === 'pong')).toBe(false)
    // It waits on the client's side.
    await waitFor(() => socket.ws.bufferedAmount > 20 * MIB, { what: 'the rest to wait at the client' })
  })

  test('D08: acknowledgements of nothing are a flood', async () => {
    await using limited = await start({ config: { limits: { requestsPerActor: 100 } } })
    const person = await limited.person('operator')
    await using socket = await connect(limited, person)
    const { channel } = await openShell(socket, await openSession(limited, person))
    for (let i = 0; i < 5000; i += 1) socket.send({ type: 'ack', channel, offset: 0 })
    expect(await socket.closed).toBe(4429)
  })
})

describe('rights over /ws', () => {
  test('B08: without the right nothing is attached to, and no byte is sent', async () => {
    await using gateway = await start()
    const owner = await gateway.person('operator')
    await using mine = await connect(gateway, owner)
    const shell = await openShell(mine, await openSession(gateway, owner))
    const strangers = [
      await gateway.person('readonly'),
      await gateway.person('operator'),
      await gateway.foreignAdmin(),
    ]
    for (const person of strangers) {
      await using socket = await connect(gateway, person)
      socket.send({ type: 'attach', channelId: shell.channelId, offset: 0, id: 'a' })
      expect(await socket.until(({ id }) => id === 'a')).toMatchObject({ type: 'error', code: 'NOT_FOUND' })
      mine.ws.send(input(shell.channel, 'secret'))
      socket.send({ type: 'ping' })
      await socket.until(({ type }) => type === 'pong')
      expect(socket.frames).toEqual([])
    }
  })

  test('B09: who may only watch changes nothing, and the target receives nothing', async () => {
    await using gateway = await start()
    const owner = await gateway.person('operator')
    await using mine = await connect(gateway, owner)
    const shell = await openShell(mine, await openSession(gateway, owner))
    const index = newest()
    const resizes = target.resizes.length
    const auditor = await gateway.person('readonly', { auditScope: 'org' })
    await using socket = await connect(gateway, auditor)
    const { channel, role } = await attachTo(socket, { channelId: shell.channelId })
    expect(role).toBe('watcher')
    socket.ws.send(input(channel, 'rm -rf /'))
    expect(await socket.until(({ type }) => type === 'error')).toMatchObject({ code: 'FORBIDDEN', channel })
    for (const message of [
      { type: 'resize', columns: 10, rows: 10 },
      { type: 'signal', signal: 'INT' },
      { type: 'take_over' },
      { type: 'end_input' },
      { type: 'close_channel' },
    ]) {
      socket.send({ ...message, channel, id: message.type })
      expect(await socket.until(({ id }) => id === message.type)).toMatchObject({ code: 'FORBIDDEN' })
    }
    mine.ws.send(input(shell.channel, 'fine'))
    await socket.untilSome(() => textOf(socket, channel) === 'fine' || undefined)
    expect(readBytes(index).toString()).toBe('fine')
    expect(target.resizes.length).toBe(resizes)
  })

  test('B10: a role that is taken away while a shell is open denies the next key, and the output', async () => {
    await using gateway = await start()
    const owner = await gateway.person('operator')
    const { token } = await gateway.admin()
    await using socket = await connect(gateway, owner)
    const { channel } = await openShell(socket, await openSession(gateway, owner))
    const index = newest()
    await call(gateway.url, `PATCH /api/users/${owner.user.id}`, { token, body: { role: 'readonly' } })
    await waitFor(
      () => {
        socket.ws.send(input(channel, 'x'))
        return errorsOf(socket).length > 0
      },
      { what: 'a refusal', timeoutMs: 6000 },
    )
    expect(errorsOf(socket)[0]).toMatchObject({ code: 'FORBIDDEN', channel })
    const before = readBytes(index).length
    socket.ws.send(input(channel, 'y'))
    socket.send({ type: 'ping' })
    await socket.until(({ type }) => type === 'pong')
    expect(readBytes(index).length).toBe(before)
  })

  test('B11: a user who is disabled loses the socket and the shell', async () => {
    await using gateway = await start()
    const owner = await gateway.person('operator')
    const { token } = await gateway.admin()
    await using socket = await connect(gateway, owner)
    const { channelId } = await openShell(socket, await openSession(gateway, owner))
    await call(gateway.url, `PATCH /api/users/${owner.user.id}`, { token, body: { disabled: true } })
    expect(await socket.closed).toBe(4403)
    await waitFor(
      async () => {
        const { body } = await call(gateway.url, `GET /api/commands/${channelId}`, { token })
        return body.status === 'cancelled'
      },
      { what: 'the shell to be ended', timeoutMs: 6000 },
    )
  })

  test('D12: a client that vanishes without a word is found out, and its place at the channel is free again', async () => {
    await using gateway = await start({ sockets: { pingAfterMs: 100, pongWithinMs: 200 } })
    const owner = await gateway.person('operator')
    await using gone = await connect(gateway, owner)
    const { channelId } = await openShell(gone, await openSession(gateway, owner))
    gone.ws.pause()
    await waitFor(
      async () => {
        const { body } = await call(gateway.url, `GET /api/channels/${channelId}`, { token: owner.token })
        return (body.attached as unknown[]).length === 0
      },
      { what: 'it to be found out' },
    )
    await using socket = await connect(gateway, owner)
    expect(await attachTo(socket, { channelId })).toMatchObject({ role: 'driver' })
  })

  test('D13: a new token in time keeps the shell as it is, and without one the socket is closed', async () => {
    await using gateway = await start({
      config: { auth: { accessTokenTtl: '2s' } },
      sockets: { tokenGraceMs: 1500 },
    })
    const owner = await gateway.person('operator')
    const { token, ...login } = await gateway.signIn(owner.user.username)
    await using socket = await connect(gateway, { ...login, token })
    const { channel } = await openShell(socket, await openSession(gateway, { ...login, token }))
    const refusedAt = async () => {
      socket.ws.send(input(channel, 'x'))
      socket.send({ type: 'ping', id: `${socket.heard.length}` })
      return errorsOf(socket)[0]?.code
    }
    await waitFor(async () => (await refusedAt()) === 'UNAUTHENTICATED', { what: 'the end of the token' })
    const next = await call(gateway.url, 'POST /api/auth/refresh', {
      body: { refreshToken: login.refreshToken },
    })
    socket.send({ type: 'authenticate', token: next.body.accessToken, protocol: 1, id: 'again' })
    await socket.until(({ id }) => id === 'again')
    const length = bytesOf(socket, channel).length
    socket.ws.send(input(channel, 'back'))
    await socket.untilSome(() => textOf(socket, channel).slice(length).includes('back') || undefined)
    expect(await socket.closed).toBe(4401)
  })
})
