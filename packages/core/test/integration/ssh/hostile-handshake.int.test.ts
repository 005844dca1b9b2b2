import {
  FakeClock,
  generateKey,
  type RawTcpMode,
  startHostileSshServer,
  startRawTcpServer,
  WEAK_ALGORITHMS,
  waitFor,
} from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { refusalOf, requestTo, requestToPort, testConnector } from './ssh-fixture.js'

const MIB = 1024 * 1024

const toLoopback = async () => ['127.0.0.1']

/** Connects under a clock that stands still: what rejects did so because of what the target sent. */
async function refusalBy(mode: RawTcpMode) {
  await using server = await startRawTcpServer(mode)
  await using connector = testConnector({ clock: new FakeClock() })
  const refusal = await refusalOf(connector.connect(requestToPort(server)))
  return { refusal, bytesSent: server.bytesSent }
}

describe('a target that does not speak SSH', () => {
  test.each<[string, RawTcpMode]>([
    ['F02: a banner of one endless line', { kind: 'endless-line', maxBytes: 64 * MIB }],
    ['F03: a banner of short lines without end', { kind: 'short-lines' }],
    ['F04: a banner of as many and as long lines as ssh2 would take', { kind: 'legal-lines' }],
    ['F07: SSH 1.5', { kind: 'ssh-1.5' }],
    ['F07: SSH 1.99', { kind: 'ssh-1.99' }],
    ['F07 E14: an HTTP server', { kind: 'http' }],
    ['F07 E14: a TLS alert', { kind: 'tls-alert' }],
    ['E14: a mail server', { kind: 'smtp' }],
    ['E14: a service that echoes', { kind: 'echo' }],
    ['F09: name-lists of 100 KiB', { kind: 'huge-name-list' }],
    ['F26: a packet of length 0', { kind: 'bad-packet-length', length: 0 }],
    ['F26: a packet of length 35,001', { kind: 'bad-packet-length', length: 35_001 }],
    ['F26: a packet of length 2^31', { kind: 'bad-packet-length', length: 2 ** 31 }],
  ])('%s is a protocol error, and none of its bytes are told', async (_, mode) => {
    const { refusal } = await refusalBy(mode)

    expect(refusal).toMatchObject({ code: 'TARGET_PROTOCOL_ERROR' })
    const told = JSON.stringify({ message: refusal.message, details: refusal.details })
    expect(told).not.toMatch(/HTTP|ESMTP|OldSSH|AAAA|go away|llll/)
  })

  test('F02: an endless line is cut off long before its end', async () => {
    const { bytesSent } = await refusalBy({ kind: 'endless-line', maxBytes: 1024 * MIB })
    // Of which most lies in the kernel's buffers.
    expect(bytesSent).toBeLessThan(32 * MIB)
  })

  test('F04: the budget bounds how many targets are listened to at a time', async () => {
    await using server = await startRawTcpServer({ kind: 'silent' })
    const clock = new FakeClock()
    // Room for two connections of 256 KiB.
    await using connector = testConnector({ clock, resolve: toLoopback, preAuthBudgetBytes: 0.5 * MIB })
    const refusals = ['a', 'b', 'c'].map((host) =>
      refusalOf(connector.connect(requestToPort({ host, port: server.port }))),
    )
    await waitFor(() => server.connectionCount === 2, { what: 'two connections' })
    await clock.advanceAsync(20_000)

    const phases = (await Promise.all(refusals)).map(({ details }) => details?.phase)
    expect(phases.sort()).toEqual(['handshake', 'handshake', 'queue'])
    expect(server.connectionCount).toBe(2)
  })

  test('F04: 100 targets with the longest legal banner are all refused', async () => {
    await using server = await startRawTcpServer({ kind: 'legal-lines' })
    await using connector = testConnector({ clock: new FakeClock(), resolve: toLoopback })
    const before = process.memoryUsage().arrayBuffers

    const refusals = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        refusalOf(connector.connect(requestToPort({ host: `host-${index}`, port: server.port }))),
      ),
    )

    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['TARGET_PROTOCOL_ERROR']))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MIB)
  })
})

describe('a target that stalls', () => {
  test.each<[string, RawTcpMode]>([
    ['F01: says nothing at all', { kind: 'silent' }],
    ['F08: stalls after its banner', { kind: 'stall-after-banner' }],
    ['F08: stalls after KEXINIT', { kind: 'stall-after-kexinit' }],
    ['F05: sends its banner byte by byte', { kind: 'slow-banner', everyMs: 5 }],
  ])('%s: the handshake times out after its 20 s', async (_, mode) => {
    await using server = await startRawTcpServer(mode)
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    let settled = false
    const connecting = refusalOf(connector.connect(requestToPort(server))).finally(() => {
      settled = true
    })
    // Our identification has arrived: we are past the dial, and waiting.
    await waitFor(() => server.bytesReceived > 0, { what: 'our identification' })

    await clock.advanceAsync(19_999)
    expect(settled).toBe(false)
    clock.advance(1)

    expect(await connecting).toMatchObject({ code: 'TARGET_TIMEOUT', details: { phase: 'handshake' } })
    expect(clock.pendingTimers).toBe(0)
  })

  test.each([
    ['after NEWKEYS', 'handshake'],
    ['in authentication', 'auth'],
  ] as const)('F08: stalls %s: the authentication times out', async (_, stallAt) => {
    await using server = await startHostileSshServer({ stallAt })
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const connecting = refusalOf(connector.connect(requestTo(server)))
    const stalled = () =>
      server.authAttempts.length > 0 || server.connections.some(({ socket }) => socket.isPaused())
    await waitFor(stalled, { what: 'the stall' })

    clock.advance(20_000)

    expect(await connecting).toMatchObject({ code: 'TARGET_TIMEOUT' })
  })
})

describe('a target with weak algorithms', () => {
  const weak = { algorithms: WEAK_ALGORITHMS, hostKeys: [generateKey({ type: 'rsa' })] }

  test('F11: is refused, saying why', async () => {
    await using server = await startHostileSshServer(weak)
    await using connector = testConnector()

    const refusal = await refusalOf(connector.connect(requestTo(server)))

    expect(refusal).toMatchObject({
      code: 'TARGET_PROTOCOL_ERROR',
      details: { phase: 'handshake', reason: 'no_common_algorithm' },
    })
    expect(server.authAttempts).toEqual([])
  })

  test('F11: is reached when it was opted in', async () => {
    await using server = await startHostileSshServer(weak)
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server, { legacyAlgorithms: true }))
    expect(connection.closedBecause).toBeNull()
  })
})
