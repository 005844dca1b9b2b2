import {
  FakeClock,
  type HostileConnection,
  type HostileSshServer,
  type RawTcpMode,
  startFaultProxy,
  startHostileSshServer,
  startRawTcpServer,
  startSshd,
  waitFor,
} from '@krown/testkit'
import { processTree } from '@krown/testkit/process-tree'
import type { ServerChannel } from 'ssh2'
import { describe, expect, test } from 'vitest'
import {
  goodbye,
  refusalOf,
  requestTo,
  requestToPort,
  run,
  start,
  testConnector,
  through,
} from './ssh-fixture.js'

const KIB = 1024
const MIB = 1024 * KIB

/** A jump host that does as it should. */
const startJumpHost = () => startHostileSshServer({ onForward: ({ runDefault }) => runDefault() })

function onlyConnection(server: HostileSshServer): HostileConnection {
  const [connection] = server.connections
  if (!connection) throw new Error('nobody is connected')
  return connection
}

describe('F18: a jump host that dies', () => {
  test.each([1, 2])('in the middle of a command (hop %i of 2) ends it, and is named', async (place) => {
    await using first = await startSshd()
    await using second = await startSshd()
    await using target = await startSshd()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(target, { via: through([first, second]) }))
    const { channel, output } = await start(connection, 'echo begun; cat')
    await output.received(6)

    await (place === 1 ? first : second).stop()

    const lost = {
      code: 'SESSION_LOST',
      message: `jump host hop-${place} (hop ${place} of 2): the connection to it was lost`,
      details: { hop: place, hopName: `hop-${place}` },
    }
    expect(await connection.closed).toMatchObject(lost)
    expect(await output.ended).toMatchObject({ exitCode: null, signal: null, error: lost })
    expect(output.stdout).toBe('begun\n')
    expect(await refusalOf(channel.write(Buffer.from('x')))).toMatchObject(lost)
    expect(await refusalOf(run(connection, 'true'))).toMatchObject(lost)
    // Nothing hangs on to those that live.
    await expect.poll(async () => (await processTree(target.pid)).length).toBe(1)
  })

  test('without a word is found in 45 s, and is named', async () => {
    await using jump = await startSshd()
    await using target = await startSshd()
    await using proxy = await startFaultProxy(jump)
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const via = through([jump], () => ({ port: proxy.port }))
    const connection = await connector.connect(requestTo(target, { via }))
    proxy.blackhole()

    await clock.advanceAsync(45_000)

    expect(await connection.closed).toMatchObject({
      code: 'SESSION_LOST',
      details: { hop: 1, hopName: 'hop-1' },
    })
    expect(clock.pendingTimers).toBe(0)
  })

  test('while the next one is logged in to is TARGET_UNREACHABLE, and is named', async () => {
    await using jump = await startJumpHost()
    await using target = await startHostileSshServer({ stallAt: 'auth' })
    await using connector = testConnector()
    const connecting = refusalOf(connector.connect(requestTo(target, { via: through([jump]) })))
    await waitFor(() => target.authAttempts.length > 0, { what: 'the login' })

    jump.dropConnections()

    expect(await connecting).toMatchObject({
      code: 'TARGET_UNREACHABLE',
      message: 'jump host hop-1 (hop 1 of 1): the connection to it was lost',
      details: { hop: 1 },
    })
  })

  test('while it connects to the next one is TARGET_UNREACHABLE, and is named', async () => {
    await using jump = await startHostileSshServer({ onForward: () => jump.dropConnections() })
    await using target = await startHostileSshServer()
    await using connector = testConnector()
    const refusal = await refusalOf(connector.connect(requestTo(target, { via: through([jump]) })))
    expect(refusal).toMatchObject({ code: 'TARGET_UNREACHABLE', details: { hop: 1 } })
  })

  test('is not to blame when the target behind it does', async () => {
    await using jump = await startJumpHost()
    await using target = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(target, { via: through([jump]) }))

    target.dropConnections()

    const lost = await connection.closed
    expect(lost).toMatchObject({ code: 'SESSION_LOST', message: 'the connection to the target was lost' })
    expect(lost.details?.hop).toBeUndefined()
    await expect.poll(() => jump.connections.length).toBe(0)
  })
})

describe('a slow way', () => {
  test('is gone to its end', async () => {
    await using jump = await startSshd()
    await using target = await startSshd()
    await using proxy = await startFaultProxy(jump)
    proxy.setLatency(20)
    await using connector = testConnector()
    const via = through([jump], () => ({ port: proxy.port }))
    const connection = await connector.connect(requestTo(target, { via }))
    expect((await run(connection, 'echo there')).stdout).toBe('there\n')
  })

  test.each([1, 2])('that ends in silence at hop %i times out there', async (place) => {
    await using first = await startSshd()
    await using second = await startSshd()
    await using target = await startSshd()
    await using silent = await startRawTcpServer({ kind: 'silent' })
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const slow = `hop-${place}`
    const via = through([first, second], ({ name }) => (name === slow ? { port: silent.port } : {}))
    const connecting = refusalOf(connector.connect(requestTo(target, { via })))
    await waitFor(() => silent.bytesReceived > 0, { what: 'our identification' })

    await clock.advanceAsync(20_000)

    expect(await connecting).toMatchObject({
      code: 'TARGET_TIMEOUT',
      message: `jump host ${slow} (hop ${place} of 2): it did not finish the SSH handshake in time`,
      details: { phase: 'handshake', hop: place, hopName: slow },
    })
    // The first jump host, which was reached, may take its second to say goodbye.
    await clock.advanceAsync(1_000)
    await expect.poll(() => clock.pendingTimers).toBe(0)
  })

  test('at whose end the jump host does not say whether it could connect times out', async () => {
    let asked = false
    await using jump = await startHostileSshServer({
      onForward: () => {
        asked = true
      },
    })
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const request = { ...requestToPort({ host: '127.0.0.1', port: 1 }), via: through([jump]) }
    const connecting = refusalOf(connector.connect(request))
    await waitFor(() => asked, { what: 'the forward' })

    await clock.advanceAsync(10_000)

    expect(await connecting).toMatchObject({ code: 'TARGET_TIMEOUT', details: { phase: 'connect' } })
    await expect.poll(() => jump.connections.length).toBe(0)
  })

  test('is left when whoever wanted to go it has changed their mind, wherever that is', async () => {
    await using jump = await startJumpHost()
    await using target = await startHostileSshServer({ stallAt: 'auth' })
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const abort = new AbortController()
    const request = requestTo(target, { via: through([jump]), signal: abort.signal })
    const connecting = connector.connect(request)
    await waitFor(() => target.authAttempts.length > 0, { what: 'the login' })
    const reason = new Error('changed my mind')

    abort.abort(reason)

    await expect(connecting).rejects.toBe(reason)
    await expect.poll(() => [jump.connections.length, target.connections.length]).toEqual([0, 0])
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('a hostile server behind a jump host', () => {
  test.each<[string, RawTcpMode]>([
    ['F02: an endless line', { kind: 'endless-line', maxBytes: 64 * MIB }],
    ['F03: short lines without end', { kind: 'short-lines' }],
    ['F04: as many and as long lines as ssh2 would take', { kind: 'legal-lines' }],
    ['F07 E14: HTTP', { kind: 'http' }],
    ['F07 E14: a TLS alert', { kind: 'tls-alert' }],
    ['E14: what is sent to it', { kind: 'echo' }],
    ['F09: name-lists of 100 KiB', { kind: 'huge-name-list' }],
    ['F26: a packet of length 2^31', { kind: 'bad-packet-length', length: 2 ** 31 }],
  ])('that sends %s is a protocol error of that hop, and none of its bytes are told', async (_, mode) => {
    await using jump = await startSshd()
    await using next = await startRawTcpServer(mode)
    await using target = await startHostileSshServer()
    await using connector = testConnector({ clock: new FakeClock() })
    const { port } = next
    const via = through([jump, target], ({ name }) => (name === 'hop-2' ? { port } : {}))

    const refusal = await refusalOf(connector.connect(requestTo(target, { via })))

    expect(refusal).toMatchObject({ code: 'TARGET_PROTOCOL_ERROR', details: { hop: 2, hopName: 'hop-2' } })
    const told = JSON.stringify({ message: refusal.message, details: refusal.details })
    expect(told).not.toMatch(/HTTP|ESMTP|OldSSH|AAAA|go away|llll/)
    expect(target.authAttempts).toEqual([])
  })
})

test('a server behind a jump host that says something else and hangs up speaks another protocol', async () => {
  await using jump = await startSshd()
  await using next = await startRawTcpServer({ kind: 'hang-up', words: 'Welcome to telnet\r\n' })
  await using connector = testConnector()
  const refusal = await refusalOf(connector.connect({ ...requestToPort(next), via: through([jump]) }))
  expect(refusal).toMatchObject({ code: 'TARGET_PROTOCOL_ERROR', details: { reason: 'not_ssh' } })
  expect(next.connectionCount).toBe(1)
})

describe('a hostile jump host', () => {
  async function connectPast(onChannel: (channel: ServerChannel) => void) {
    await using jump = await startHostileSshServer({ onForward: ({ accept }) => onChannel(accept()) })
    await using connector = testConnector()
    const request = { ...requestToPort({ host: '127.0.0.1', port: 1 }), via: through([jump]) }
    return await refusalOf(connector.connect(request))
  }

  test('that answers in the place of the target is found out', async () => {
    expect(
      await connectPast((channel) => void channel.write('GET / HTTP/1.1\r\nHTTP/1.1 200\r\n')),
    ).toMatchObject({
      code: 'TARGET_PROTOCOL_ERROR',
      details: { reason: 'not_ssh' },
    })
  })

  test('that closes each channel at once is TARGET_UNREACHABLE', async () => {
    let opened = 0
    const refusal = await connectPast((channel) => {
      opened += 1
      channel.close()
    })
    expect(refusal).toMatchObject({ code: 'TARGET_UNREACHABLE', details: { reason: 'dropped' } })
    expect(opened).toBe(4)
  })

  test('that allows packets of 16 bytes is a protocol error of that hop', async () => {
    await using jump = await startJumpHost()
    await using target = await startHostileSshServer()
    await using connector = testConnector()
    const verifyHostKey = async () => grant(onlyConnection(jump), { packetBytes: 16 })
    const request = requestTo(target, { via: through([jump], () => ({ verifyHostKey })) })
    expect(await refusalOf(connector.connect(request))).toMatchObject({
      code: 'TARGET_PROTOCOL_ERROR',
      details: { reason: 'packet_size', hop: 1 },
    })
  })

  test('F21: that sends past the flow window of what goes through it is cut off', async () => {
    let channel: ServerChannel | undefined
    await using jump = await startHostileSshServer({
      onForward: ({ accept }) => {
        channel = accept()
        channel.write('SSH-2.0-never_more\r\n')
      },
    })
    await using connector = testConnector({ clock: new FakeClock() })
    const request = { ...requestToPort({ host: '127.0.0.1', port: 1 }), via: through([jump]) }
    const connecting = refusalOf(connector.connect(request))
    await waitFor(() => channel, { what: 'the forward' })
    const { outgoing, _client: client } = channel as unknown as ServerInternals
    const flood = () => {
      if (jump.connections.length === 0) return
      client._protocol.channelData(outgoing.id, Buffer.alloc(32_000))
      setImmediate(flood)
    }
    flood()
    expect(await connecting).toMatchObject({ code: 'TARGET_PROTOCOL_ERROR' })
    await expect.poll(() => jump.connections.length).toBe(0)
  })

  test('F18: that grants a huge flow window and does not read stops the writer', async () => {
    await using jump = await startJumpHost()
    await using target = await startHostileSshServer()
    await using connector = testConnector()
    const huge = { window: 2 ** 32 - 1 }
    const connection = await connector.connect(
      requestTo(target, {
        via: through([jump], () => ({ verifyHostKey: async () => grant(onlyConnection(jump), huge) })),
        verifyHostKey: async () => grant(onlyConnection(target), huge),
      }),
    )
    const { channel } = await start(connection, 'cat')
    onlyConnection(jump).stopAnswering()

    let written = 0
    const writing = (async () => {
      for (;;) {
        await channel.write(Buffer.alloc(256 * KIB))
        written += 256 * KIB
      }
    })()
    writing.catch(() => undefined)
    // Turns of the event loop, in which a writer without bounds would get any number of writes done.
    for (let turn = 0; turn < 1_000; turn++) await new Promise((resolve) => setImmediate(resolve))
    jump.dropConnections()

    expect(await refusalOf(writing)).toMatchObject({ code: 'SESSION_LOST', details: { hop: 1 } })
    expect(written).toBeLessThan(32 * MIB)
  })
})

describe('nothing is left', () => {
  const countSockets = () =>
    process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length

  test('of 50 connections through two jump hosts that were opened and closed', async () => {
    await using first = await startSshd()
    await using second = await startSshd()
    await using target = await startSshd()
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const request = requestTo(target, { via: through([first, second]) })
    const before = countSockets()

    for (let opened = 0; opened < 50; opened += 5) {
      const connections = await Promise.all(Array.from({ length: 5 }, () => connector.connect(request)))
      await Promise.all(connections.map((connection) => connection.close(goodbye())))
    }

    expect(countSockets()).toBe(before)
    expect(clock.pendingTimers).toBe(0)
    for (const { pid } of [first, second, target]) {
      await expect.poll(async () => (await processTree(pid)).length).toBe(1)
    }
  })

  test('of 20 that failed at the target', async () => {
    await using jump = await startSshd()
    await using target = await startSshd()
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const verifyHostKey = () => Promise.reject(new Error('not this one'))
    const request = requestTo(target, { via: through([jump]), verifyHostKey })
    const before = countSockets()

    for (let failed = 0; failed < 20; failed += 5) {
      const attempts = Array.from({ length: 5 }, () => connector.connect(request))
      await Promise.all(attempts.map((attempt) => expect(attempt).rejects.toThrow('not this one')))
    }

    await expect.poll(countSockets).toBe(before)
    await expect.poll(() => clock.pendingTimers).toBe(0)
    await expect.poll(async () => (await processTree(jump.pid)).length).toBe(1)
  })

  test('when the connector is disposed of, whatever is on its way', async () => {
    await using jump = await startJumpHost()
    await using target = await startHostileSshServer()
    await using stalling = await startHostileSshServer({ stallAt: 'auth' })
    const connector = testConnector()
    const connection = await connector.connect(requestTo(target, { via: through([jump]) }))
    const attempt = refusalOf(connector.connect(requestTo(stalling, { via: through([jump]) })))
    await waitFor(() => stalling.authAttempts.length > 0, { what: 'the login' })

    await connector[Symbol.asyncDispose]()

    expect(await attempt).toMatchObject({ code: 'DRAINING' })
    const closed = await connection.closed
    expect(closed).toMatchObject({
      code: 'SESSION_LOST',
      message: 'the connection was closed: shutting down',
    })
    await expect
      .poll(() => [jump, target, stalling].map(({ connections }) => connections.length))
      .toEqual([0, 0, 0])
  })
})

/** What ssh2's server keeps to itself: enough to break the rules. */
interface ServerInternals {
  readonly outgoing: { id: number }
  readonly _client: { _protocol: ServerProtocol }
}

interface ServerProtocol {
  channelData(id: number, data: Buffer): void
  channelOpenConfirm(...message: [theirs: number, ours: number, window: number, packetBytes: number]): void
}

/** Answers each channel that is opened from now on with these limits. */
function grant({ client }: HostileConnection, limits: { window?: number; packetBytes?: number }): void {
  const protocol = (client as unknown as ServerInternals['_client'])._protocol
  const confirm = protocol.channelOpenConfirm.bind(protocol)
  protocol.channelOpenConfirm = (...[theirs, ours, window, packetBytes]) =>
    confirm(theirs, ours, limits.window ?? window, limits.packetBytes ?? packetBytes)
}
