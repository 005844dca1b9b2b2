import { once } from 'node:events'
import { FakeClock, type HostileSshServer, startHostileSshServer, startSshd, waitFor } from '@krown/testkit'
import type { Connection, Session } from 'ssh2'
import { describe, expect, test, vi } from 'vitest'
import { defer } from '../../../src/base/deferred.js'
import type { ChannelSink } from '../../../src/ssh/connector.js'
import { Collector, refusalOf, requestTo, run, start, testConnector } from './ssh-fixture.js'

const MIB = 1024 * 1024

describe('a command on sshd', () => {
  test('gives both streams and its exit code', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    expect(await run(connection, 'echo out; echo err >&2; exit 3')).toEqual({
      exitCode: 3,
      signal: null,
      error: null,
      stdout: 'out\n',
      stderr: 'err\n',
    })
  })

  test('reports the signal, not an exit code, when it is killed', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    expect(await run(connection, 'kill -TERM $$')).toMatchObject({
      exitCode: null,
      signal: 'TERM',
      error: null,
    })
  })

  test('reads what is written, until the end of input', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    const { channel, output } = await start(connection, 'cat; echo done')
    // More than the flow window holds, so that writing has to wait for the reader.
    for (let i = 0; i < 64; i++) await channel.write(Buffer.alloc(128 * 1024, 'x'))
    channel.endInput()

    expect(await output.ended).toMatchObject({ exitCode: 0 })
    expect(output.stdout.length).toBe(8 * MIB + 'done\n'.length)
  })

  test('still gets signals after the end of its input', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    const { channel, output } = await start(
      connection,
      "trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.01; done",
    )
    await output.received('ready\n'.length)
    channel.endInput()

    channel.signal('INT')

    expect(await output.ended).toMatchObject({ exitCode: 7 })
    expect(output.stdout).toBe('ready\ncaught\n')
  })

  test('TARGET_CHANNEL_REFUSED with the number of RFC 4254 §5.1 when the target allows no more channels', async () => {
    await using sshd = await startSshd({ config: ['MaxSessions 1'] })
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    const first = await start(connection, 'cat')

    const refusal = await refusalOf(connection.exec('true', new Collector()))

    expect(refusal).toMatchObject({
      code: 'TARGET_CHANNEL_REFUSED',
      details: { phase: 'channel', reason: 2 },
    })
    first.channel.endInput()
    expect(await first.output.ended).toMatchObject({ exitCode: 0 })
  })

  test('runs beside others on the same connection', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) => run(connection, `echo ${index}`)),
    )
    expect(results.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 8 }, (_, index) => `${index}\n`))
  })
})

describe('output', () => {
  test('F19: of 256 MiB arrives whole', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    let bytes = 0
    const data: ChannelSink['data'] = (_, chunk) => {
      bytes += chunk.length
    }
    const ended = await new Promise((resolve, reject) => {
      connection.exec('head -c 268435456 /dev/zero', { data, end: resolve }).catch(reject)
    })
    expect(ended).toMatchObject({ exitCode: 0 })
    expect(bytes).toBe(256 * MIB)
  })

  test('F19: stops within the flow window while the reader is paused, and goes on after', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    const { channel, output } = await start(connection, 'head -c 20000000 /dev/zero')
    await output.received(1)
    channel.pause()
    const atPause = output.bytes
    // The connection itself goes on.
    expect((await run(connection, 'echo meanwhile')).stdout).toBe('meanwhile\n')

    expect(output.bytes).toBe(atPause)
    expect(connection.closedBecause).toBeNull()
    channel.resume()

    expect(await output.ended).toMatchObject({ exitCode: 0 })
    expect(output.bytes).toBe(20_000_000)
  })

  test('F20: on standard error only is drained as well', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    const { stdout, stderr, exitCode } = await run(connection, 'head -c 30000000 /dev/zero >&2; echo done')
    expect({ stdout, bytes: stderr.length, exitCode }).toEqual({
      stdout: 'done\n',
      bytes: 30_000_000,
      exitCode: 0,
    })
  })

  test('ends once, after the last byte of both streams', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    const { output } = await start(
      connection,
      'head -c 300000 /dev/zero >&2 & head -c 300000 /dev/zero; wait',
    )
    await output.ended
    await run(connection, 'true')
    expect({ ends: output.ends, late: output.dataAfterEnd, bytes: output.bytes }).toEqual({
      ends: 1,
      late: 0,
      bytes: 600_000,
    })
  })

  test('is not delivered before the caller has the channel', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const order: string[] = []
    await new Promise<void>((resolve) => {
      const sink: ChannelSink = { data: () => order.push('data'), end: () => resolve(void order.push('end')) }
      void connection.exec('echo at once', sink).then(() => order.push('channel'))
    })
    expect(order).toEqual(['channel', 'data', 'end'])
  })

  test('that a sink cannot take breaks the connection: it would go nowhere', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const failure = new Error('disk full')
    const ended = new Promise((resolve) => {
      const data = () => {
        throw failure
      }
      void connection.exec('flood-stdout', { data, end: resolve })
    })
    expect(await connection.closed).toMatchObject({ code: 'INTERNAL', cause: failure })
    expect(await ended).toMatchObject({ error: { code: 'INTERNAL' } })
  })
})

describe('the end of a command', () => {
  test.each([
    ['die-by KILL', { exitCode: null, signal: 'KILL' }],
    ['no-exit-status', { exitCode: null, signal: null }],
  ])('after %s is told', async (command, expected) => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    expect(await run(connection, command)).toMatchObject({ ...expected, error: null })
  })

  test('by a signal whose name could do harm is told without the name', async () => {
    await using server = await startHostileSshServer({
      onExec: (_, channel) => {
        const { outgoing, _client: client } = channel as unknown as ServerInternals
        sendPacket(client._protocol, exitSignal(outgoing.id, '\u001b[2J'))
        channel.end()
      },
    })
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    expect(await run(connection, 'true')).toMatchObject({ exitCode: null, signal: 'UNKNOWN', error: null })
  })
})

describe('starting a command', () => {
  test('F08: a channel that is not opened in 10 s is TARGET_TIMEOUT, and the connection stays', async () => {
    await using server = await startHostileSshServer({ stallAt: 'channel' })
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const connection = await connector.connect(requestTo(server))
    const starting = refusalOf(connection.exec('true', new Collector()))

    clock.advance(10_000)

    expect(await starting).toMatchObject({ code: 'TARGET_TIMEOUT', details: { phase: 'channel' } })
    expect(connection.closedBecause).toBeNull()
  })

  test('a channel that is opened too late is closed, and nothing runs in it', async () => {
    await using server = await startHostileSshServer()
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const connection = await connector.connect(requestTo(server))
    const asked = defer<() => Session>()
    clientOf(server).removeAllListeners('session').on('session', asked.resolve)
    const starting = refusalOf(connection.exec('true', new Collector()))
    const accept = await asked.promise
    clock.advance(10_000)

    const session = accept()
    const ran = vi.fn()
    session.on('exec', ran)
    await once(session, 'close')

    expect(await starting).toMatchObject({ code: 'TARGET_TIMEOUT' })
    expect(ran).not.toHaveBeenCalled()
  })

  test('a target that does not answer the request may have run it: the channel ends with TARGET_TIMEOUT', async () => {
    await using server = await startHostileSshServer({ stallAt: 'exec' })
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const connection = await connector.connect(requestTo(server))
    const output = new Collector()
    const starting = connection.exec('true', output)
    await waitFor(() => server.execs.length === 1, { what: 'the request' })

    clock.advance(10_000)
    const channel = await starting

    expect(await output.ended).toMatchObject({ exitCode: null, error: { code: 'TARGET_TIMEOUT' } })
    expect(await refusalOf(channel.write(Buffer.from('x')))).toMatchObject({ code: 'SESSION_LOST' })
  })

  test('a request that the target refuses is TARGET_CHANNEL_REFUSED', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    clientOf(server)
      .removeAllListeners('session')
      .on('session', (accept) => {
        accept().on('exec', (_accept, reject) => reject?.())
      })
    expect(await refusalOf(connection.exec('true', new Collector()))).toMatchObject({
      code: 'TARGET_CHANNEL_REFUSED',
      details: { phase: 'channel' },
    })
  })

  test('an abort before the request was sent rejects with its reason, and nothing runs', async () => {
    await using server = await startHostileSshServer({ stallAt: 'channel' })
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const abort = new AbortController()
    const starting = connection.exec('true', new Collector(), { signal: abort.signal })

    abort.abort(new Error('never mind'))

    await expect(starting).rejects.toThrow('never mind')
    await expect(connection.exec('true', new Collector(), { signal: abort.signal })).rejects.toThrow(
      'never mind',
    )
  })

  test('an abort after that leaves the command to the caller', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const abort = new AbortController()
    const output = new Collector()
    const channel = await connection.exec('cat', output, { signal: abort.signal })

    abort.abort(new Error('never mind'))
    await channel.write(Buffer.from('still here'))
    channel.endInput()

    expect(await output.ended).toMatchObject({ exitCode: 0 })
    expect(output.stdout).toBe('still here')
  })

  test('a target that takes packets of no bytes is cut off before anything is sent to it', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const protocol = (clientOf(server) as unknown as ServerInternals['_client'])._protocol
    const confirm = protocol.channelOpenConfirm.bind(protocol)
    protocol.channelOpenConfirm = (...[theirs, ours, window]) => confirm(theirs, ours, window, 0)

    expect(await refusalOf(connection.exec('true', new Collector()))).toMatchObject({ code: 'SESSION_LOST' })
    expect(await connection.closed).toMatchObject({ code: 'TARGET_PROTOCOL_ERROR' })
    expect(server.execs).toEqual([])
  })

  test('a signal with a name that SSH does not have is VALIDATION_FAILED', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const { channel } = await start(connection, 'hang')
    expect(() => channel.signal('NOPE')).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }))
  })
})

/** What ssh2's server keeps to itself: enough to break the rules. */
interface ServerInternals {
  readonly outgoing: { id: number }
  readonly _client: { _protocol: ServerProtocol }
}

interface ServerProtocol {
  channelOpenConfirm(...message: [theirs: number, ours: number, window: number, packetBytes: number]): void
  _cipher: { encrypt(packet: Buffer): void }
  _packetRW: { write: { allocStart: number; alloc(bytes: number): Buffer; finalize(packet: Buffer): Buffer } }
}

function clientOf(server: HostileSshServer): Connection {
  const [connection] = server.connections
  if (!connection) throw new Error('nobody is connected')
  return connection.client
}

function sendPacket({ _cipher: cipher, _packetRW: { write } }: ServerProtocol, payload: Buffer): void {
  const packet = write.alloc(payload.length)
  packet.set(payload, write.allocStart)
  cipher.encrypt(write.finalize(packet))
}

/** RFC 4254 §6.10, with a name of our choice. */
function exitSignal(channelId: number, name: string): Buffer {
  const head = Buffer.from([98, 0, 0, 0, channelId])
  const fields = [
    sshString('exit-signal'),
    Buffer.of(0),
    sshString(name),
    Buffer.of(0),
    sshString(''),
    sshString(''),
  ]
  return Buffer.concat([head, ...fields])
}

function sshString(text: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return Buffer.concat([length, Buffer.from(text)])
}
