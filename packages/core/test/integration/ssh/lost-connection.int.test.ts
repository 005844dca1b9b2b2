import {
  FakeClock,
  floodPastWindow,
  type HostileConnection,
  type HostileSshServer,
  startFaultProxy,
  startHostileSshServer,
  startSshd,
} from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { KrownError } from '../../../src/errors/krown-error.js'
import { Collector, goodbye, refusalOf, requestTo, run, start, testConnector } from './ssh-fixture.js'

const KIB = 1024
const MIB = 1024 * KIB

function onlyConnection(server: HostileSshServer): HostileConnection {
  const [connection] = server.connections
  if (!connection) throw new Error('nobody is connected')
  return connection
}

describe('F18: a connection that is lost', () => {
  test.each([
    ['drops TCP', (server: HostileSshServer) => server.dropConnections()],
    ['resets TCP', (server: HostileSshServer) => server.resetConnections()],
  ])('because the target %s ends the command with SESSION_LOST and what came before', async (_, fail) => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const { channel, output } = await start(connection, 'cat')
    await channel.write(Buffer.from('so far'))
    await output.received(6)

    fail(server)

    expect(await connection.closed).toMatchObject({ code: 'SESSION_LOST' })
    expect(await output.ended).toMatchObject({
      exitCode: null,
      signal: null,
      error: { code: 'SESSION_LOST' },
    })
    expect(output.stdout).toBe('so far')
    expect(output.ends).toBe(1)
    expect(await refusalOf(channel.write(Buffer.from('x')))).toMatchObject({ code: 'SESSION_LOST' })
    expect(await refusalOf(connection.exec('true', new Collector()))).toMatchObject({ code: 'SESSION_LOST' })
    // None of these may throw any more.
    channel.endInput()
    channel.signal('TERM')
    channel.pause()
    channel.resume()
    channel.close()
  })

  test('half-open is found in 45 s', async () => {
    await using sshd = await startSshd()
    await using proxy = await startFaultProxy(sshd)
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const connection = await connector.connect(requestTo(sshd, { port: proxy.port }))
    proxy.blackhole()

    await clock.advanceAsync(45_000)

    expect(await connection.closed).toMatchObject({
      code: 'SESSION_LOST',
      details: { reason: 'keepalive_timeout' },
    })
  })

  test('is not one that answers', async () => {
    await using sshd = await startSshd()
    await using proxy = await startFaultProxy(sshd)
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const connection = await connector.connect(requestTo(sshd, { port: proxy.port }))

    for (let asked = 0; asked < 10; asked++) {
      const answered = proxy.counters.bytesToClient
      // Fifteen seconds hold one question; its answer travels in real time.
      await clock.advanceAsync(15_000)
      await expect.poll(() => proxy.counters.bytesToClient).toBeGreaterThan(answered)
    }

    expect((await run(connection, 'echo alive')).stdout).toBe('alive\n')
  })

  test('with unread output still delivers it, when the reader goes on', async () => {
    await using server = await startHostileSshServer({
      onExec: (command, channel, { runDefault }) => {
        if (command === 'burst') channel.once('data', () => channel.write(Buffer.alloc(1_000_000)))
        else runDefault()
      },
    })
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const { channel, output } = await start(connection, 'burst')
    channel.pause()
    await channel.write(Buffer.from('now'))
    // All of it has arrived, unread, when the answer to a later command has.
    await run(connection, 'true')
    server.dropConnections()
    await connection.closed
    expect({ ends: output.ends, bytes: output.bytes }).toEqual({ ends: 0, bytes: 0 })

    channel.resume()

    expect(await output.ended).toMatchObject({ error: { code: 'SESSION_LOST' } })
    expect(output.bytes).toBe(1_000_000)
  })

  test('is told to whoever waits for the flow window', async () => {
    await using server = await startHostileSshServer({ onExec: (_, channel) => channel.pause() })
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const { channel } = await start(connection, 'reads nothing')
    const writing = refusalOf(channel.write(Buffer.alloc(8 * MIB)))

    server.dropConnections()

    expect(await writing).toMatchObject({ code: 'SESSION_LOST' })
  })

  test('is told to whoever writes to a target that grants a huge flow window and does not read', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    grantHugeWindows(onlyConnection(server))
    const { channel } = await start(connection, 'cat')
    onlyConnection(server).stopAnswering()

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
    server.dropConnections()

    expect(await refusalOf(writing)).toMatchObject({ code: 'SESSION_LOST' })
    expect(written).toBeLessThan(32 * MIB)
  })

  test('during the end of input takes nothing else with it', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const { channel, output } = await start(connection, 'cat')
    const writing = channel.write(Buffer.alloc(8 * MIB)).catch((error: unknown) => error)
    channel.endInput()
    server.resetConnections()

    expect(await output.ended).toMatchObject({ error: { code: 'SESSION_LOST' } })
    await writing
  })
})

describe('F21: a target that ignores the flow window', () => {
  // 32,000 bytes never end exactly at the window, 32 KiB do, and there ssh2 throws data away.
  test.each([32_000, 32 * KIB])('with packets of %i bytes is cut off at the limit', async (chunkBytes) => {
    let sent: Promise<number> | undefined
    await using server = await startHostileSshServer({
      onExec: (_, channel) => {
        sent = floodPastWindow(channel, { totalBytes: 400 * MIB, chunkBytes })
      },
    })
    await using connector = testConnector({ maxUnreadBytes: 6 * MIB })
    const connection = await connector.connect(requestTo(server))
    const { channel, output } = await start(connection, 'flood')
    channel.pause()

    expect(await connection.closed).toMatchObject({
      code: 'TARGET_PROTOCOL_ERROR',
      details: { reason: 'window_violation' },
    })
    channel.resume()

    expect(await output.ended).toMatchObject({ error: { code: 'TARGET_PROTOCOL_ERROR' } })
    // What was read before the pause, the limit, and what one read of the socket may hold.
    expect(output.bytes).toBeGreaterThan(6 * MIB)
    expect(output.bytes).toBeLessThan(7 * MIB)
    // Most of it lies in the kernel's buffers.
    expect(await sent).toBeLessThan(64 * MIB)
  })

  test('on standard error is cut off as well', async () => {
    await using server = await startHostileSshServer({
      onExec: (_, channel) => {
        const { outgoing, _client: client } = channel as unknown as ServerInternals
        const flood = () => {
          if (onlyConnection(server).socket.destroyed) return
          client._protocol.channelExtData(outgoing.id, Buffer.alloc(32_000), 1)
          setImmediate(flood)
        }
        flood()
      },
    })
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const { channel } = await start(connection, 'flood')
    channel.pause()
    expect(await connection.closed).toMatchObject({ details: { reason: 'window_violation' } })
  })

  test('and is read as fast as it sends is let be', async () => {
    await using server = await startHostileSshServer({
      onExec: (_, channel) =>
        void floodPastWindow(channel, { totalBytes: 50 * MIB }).then(() => channel.end()),
    })
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const { output } = await start(connection, 'flood')
    await output.received(50 * MIB)
    expect(connection.closedBecause).toBeNull()
  })
})

describe('F24: a target that asks for things', () => {
  test('is refused every channel and every request', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const { client } = onlyConnection(server)

    const refused = await Promise.all([
      new Promise((resolve) => client.forwardOut('127.0.0.1', 1, '127.0.0.1', 2, (error) => resolve(error))),
      new Promise((resolve) => client.x11('127.0.0.1', 1, (error) => resolve(error))),
      new Promise((resolve) =>
        client.openssh_forwardOutStreamLocal('constructor', (error) => resolve(error)),
      ),
    ])

    expect(refused).toEqual([1, 2, 3].map(() => expect.objectContaining({ reason: 1 })))
    expect((await run(connection, 'echo fine')).stdout).toBe('fine\n')
  })

  test('10,000 times is cut off', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const { client } = onlyConnection(server)
    client.on('error', () => undefined)
    for (let i = 0; i < 10_000; i++) client.x11('127.0.0.1', 1, () => undefined)
    expect(await connection.closed).toMatchObject({
      code: 'TARGET_PROTOCOL_ERROR',
      details: { reason: 'unsolicited_flood' },
    })
  })
})

test('F25: a target that exchanges keys all the time is cut off', async () => {
  await using server = await startHostileSshServer()
  await using connector = testConnector()
  const connection = await connector.connect(requestTo(server))
  const { client } = onlyConnection(server)
  client.on('error', () => undefined)
  client.on('rekey', () => client.rekey())
  client.rekey()
  expect(await connection.closed).toMatchObject({
    code: 'TARGET_PROTOCOL_ERROR',
    details: { reason: 'unsolicited_flood' },
  })
})

describe('F26: on an open connection', () => {
  test('bytes that were not encrypted with the key are a protocol error', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    onlyConnection(server).socket.write(Buffer.alloc(256, 7))
    expect(await connection.closed).toMatchObject({ code: 'TARGET_PROTOCOL_ERROR' })
  })

  test('a change of one bit is noticed', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const { socket } = onlyConnection(server)
    const write = socket.write.bind(socket)
    socket.write = ((data: Buffer) => {
      const last = data.length - 1
      data[last] = (data[last] ?? 0) ^ 1
      return write(data)
    }) as typeof socket.write
    const { output } = await start(connection, 'true').catch(() => ({ output: undefined }))
    expect(await connection.closed).toMatchObject({ code: 'TARGET_PROTOCOL_ERROR' })
    await output?.ended
  })

  test('compression is not offered', async () => {
    await using server = await startHostileSshServer({ algorithms: { compress: ['zlib'] } })
    await using connector = testConnector()
    expect(await refusalOf(connector.connect(requestTo(server)))).toMatchObject({
      details: { reason: 'no_common_algorithm' },
    })
  })
})

describe('closing', () => {
  test('says goodbye and gives its reason to everybody', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const { output } = await start(connection, 'hang')
    const saidGoodbye = new Promise<void>((resolve) => onlyConnection(server).client.on('end', resolve))
    const reason = goodbye()

    await connection.close(reason)
    await connection.close(new KrownError('INTERNAL', 'second'))

    expect(connection.closedBecause).toBe(reason)
    expect(await connection.closed).toBe(reason)
    expect(await output.ended).toMatchObject({ error: reason })
    await saidGoodbye
  })

  test('does not wait for a target that no longer reads', async () => {
    await using server = await startHostileSshServer({ onExec: (_, channel) => channel.pause() })
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const connection = await connector.connect(requestTo(server))
    const protocol = onlyConnection(server)
    const { channel } = await start(connection, 'reads nothing')
    protocol.stopAnswering()
    void channel.write(Buffer.alloc(16 * MIB)).catch(() => undefined)

    const closing = connection.close(goodbye())
    await clock.advanceAsync(1_000)
    await closing
  })
})

/** What ssh2's server keeps to itself: enough to break the rules. */
interface ServerInternals {
  readonly outgoing: { id: number }
  readonly _client: { _protocol: ServerProtocol }
}

interface ServerProtocol {
  channelExtData(id: number, data: Buffer, type: number): void
  channelOpenConfirm(...message: [theirs: number, ours: number, window: number, packetBytes: number]): void
}

function grantHugeWindows({ client }: HostileConnection): void {
  const protocol = (client as unknown as ServerInternals['_client'])._protocol
  const confirm = protocol.channelOpenConfirm.bind(protocol)
  protocol.channelOpenConfirm = (...[theirs, ours, , packetBytes]) =>
    confirm(theirs, ours, 2 ** 32 - 1, packetBytes)
}
