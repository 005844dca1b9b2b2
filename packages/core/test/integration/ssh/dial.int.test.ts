import { once } from 'node:events'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import { FakeClock, findFreePort, startHostileSshServer, startRawTcpServer, waitFor } from '@krown/testkit'
import { describe, expect, test, vi } from 'vitest'
import { defer } from '../../../src/base/deferred.js'
import { KrownError } from '../../../src/errors/krown-error.js'
import type { ResolvedHost } from '../../../src/ssh/connector.js'
import { Dialer } from '../../../src/ssh/dialer.js'
import { goodbye, refusalOf, requestTo, requestToPort, run, testConnector } from './ssh-fixture.js'

const never = new Promise<never>(() => undefined)
const toLoopback = async () => ['127.0.0.1']
describe('resolving', () => {
  test('E06: a name is resolved once, all its addresses are checked, and one of them is dialled', async () => {
    await using server = await startHostileSshServer()
    const answers = [['127.0.0.1', '127.0.0.2'], ['203.0.113.7']]
    const resolve = vi.fn(async () => answers.shift() ?? [])
    await using connector = testConnector({ resolve })
    const checked: ResolvedHost[] = []
    const checkAddresses = (resolved: ResolvedHost) => void checked.push(resolved)
    const request = requestTo(server, { host: 'rebinding.test', checkAddresses })

    const connection = await connector.connect(request)

    expect((await run(connection, 'true')).exitCode).toBe(0)
    expect(resolve).toHaveBeenCalledOnce()
    expect(checked).toEqual([
      { host: 'rebinding.test', port: server.port, addresses: ['127.0.0.1', '127.0.0.2'] },
    ])
    expect(server.connections[0]?.socket.localAddress).toBe('127.0.0.1')
  })

  test('E06: what the outbound policy throws is the answer, and no packet is sent', async () => {
    await using server = await startRawTcpServer({ kind: 'silent' })
    await using connector = testConnector()
    const denied = new KrownError('TARGET_POLICY_DENIED', 'not there')
    const checkAddresses = () => {
      throw denied
    }

    await expect(connector.connect({ ...requestToPort(server), checkAddresses })).rejects.toBe(denied)
    expect(server.connectionCount).toBe(0)
  })

  test('an address is not resolved', async () => {
    await using server = await startHostileSshServer()
    const resolve = vi.fn(toLoopback)
    await using connector = testConnector({ resolve })
    await connector.connect(requestTo(server))
    expect(resolve).not.toHaveBeenCalled()
  })

  test('E07: a resolver that never answers is given up after 5 s', async () => {
    const clock = new FakeClock()
    await using connector = testConnector({ clock, resolve: () => never })
    const connecting = refusalOf(connector.connect(requestToPort({ host: 'silent.test', port: 22 })))

    await clock.advanceAsync(5_000)

    expect(await connecting).toMatchObject({ code: 'TARGET_TIMEOUT', details: { phase: 'resolve' } })
    expect(clock.pendingTimers).toBe(0)
  })

  test.each([
    ['has no address', async () => []],
    [
      'does not exist',
      () => Promise.reject(Object.assign(new Error('10.1.2.3 says no'), { code: 'ENOTFOUND' })),
    ],
  ])('a name that %s is TARGET_UNREACHABLE', async (_, resolve) => {
    await using connector = testConnector({ resolve })
    const refusal = await refusalOf(connector.connect(requestToPort({ host: 'nowhere.test', port: 22 })))
    expect(refusal).toMatchObject({ code: 'TARGET_UNREACHABLE', details: { phase: 'resolve' } })
    expect(refusal.message).not.toContain('10.1.2.3')
  })
})

describe('connecting', () => {
  test('a closed port is TARGET_UNREACHABLE, without the resolved address', async () => {
    const port = await findFreePort()
    await using connector = testConnector({ resolve: toLoopback })

    const refusal = await refusalOf(connector.connect(requestToPort({ host: 'closed.test', port })))

    expect(refusal).toMatchObject({ code: 'TARGET_UNREACHABLE', details: { phase: 'connect' } })
    expect(JSON.stringify([refusal.message, refusal.details])).not.toContain('127.0.0.1')
  })

  test('the next address is tried when one refuses', async () => {
    await using server = await startHostileSshServer()
    // Listens on 127.0.0.1 only.
    await using connector = testConnector({ resolve: async () => ['127.0.0.3', '127.0.0.1'] })
    const connection = await connector.connect(requestTo(server, { host: 'two.test' }))
    expect(connection.closedBecause).toBeNull()
  })

  test('an address that does not answer gets its share of the time, then the next is tried', async () => {
    await using server = await startHostileSshServer()
    await using _deaf = await startDeafServer('127.0.0.3', server.port)
    const clock = new FakeClock()
    await using connector = testConnector({ clock, resolve: async () => ['127.0.0.3', '127.0.0.1'] })
    const connecting = connector.connect(requestTo(server, { host: 'two.test' }))
    await waitFor(() => clock.pendingTimers > 0, { what: 'the first attempt' })

    await clock.advanceAsync(4_999)
    expect(server.connectionCount).toBe(0)
    clock.advance(1)

    expect((await connecting).closedBecause).toBeNull()
  })

  test('an address that does not answer is TARGET_TIMEOUT after the connect timeout', async () => {
    await using deaf = await startDeafServer('127.0.0.3', 0)
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const connecting = refusalOf(connector.connect(requestToPort(deaf)))
    await waitFor(() => clock.pendingTimers > 0, { what: 'the attempt' })

    await clock.advanceAsync(10_000)

    expect(await connecting).toMatchObject({ code: 'TARGET_TIMEOUT', details: { phase: 'connect' } })
  })

  test('Nagle’s algorithm is off and TCP keepalive on', async () => {
    await using server = await startRawTcpServer({ kind: 'silent' })
    const clock = new FakeClock()
    const dialer = new Dialer({ clock, connectTimeoutMs: 10_000, resolve: toLoopback })
    const request = { host: '127.0.0.1', port: server.port, checkAddresses: () => undefined }

    const socket = await dialer.dial(request, new AbortController().signal)

    const settings = Object.getOwnPropertySymbols(socket).map((symbol) => [
      symbol.description,
      (socket as unknown as Record<symbol, unknown>)[symbol],
    ])
    expect(Object.fromEntries(settings)).toMatchObject({ kSetNoDelay: true, kSetKeepAlive: true })
    socket.destroy()
  })

  test('an abort while connecting ends the attempt with its reason', async () => {
    await using server = await startRawTcpServer({ kind: 'silent' })
    await using connector = testConnector()
    const abort = new AbortController()
    const connecting = connector.connect({ ...requestToPort(server), signal: abort.signal })
    await waitFor(() => server.bytesReceived > 0, { what: 'the connection' })

    abort.abort(new Error('changed my mind'))

    await expect(connecting).rejects.toThrow('changed my mind')
  })

  test('an abort while resolving ends the attempt, and the resolver is told', async () => {
    const told = defer<unknown>()
    const resolve = (_host: string, signal: AbortSignal) => {
      signal.addEventListener('abort', () => told.resolve(signal.reason))
      return never
    }
    await using connector = testConnector({ resolve })
    const abort = new AbortController()
    const request = requestToPort({ host: 'slow.test', port: 22 })
    const connecting = connector.connect({ ...request, signal: abort.signal })
    const reason = new Error('changed my mind')

    setImmediate(() => abort.abort(reason))

    await expect(connecting).rejects.toBe(reason)
    expect(await told.promise).toBe(reason)
  })

  test('nothing is dialled for a signal that is already aborted', async () => {
    await using server = await startRawTcpServer({ kind: 'silent' })
    await using connector = testConnector()
    const signal = AbortSignal.abort(new Error('too late'))
    await expect(connector.connect({ ...requestToPort(server), signal })).rejects.toThrow('too late')
    expect(server.connectionCount).toBe(0)
  })
})

describe('many at once', () => {
  test('F31: at most eight connections to one target are being opened at a time', async () => {
    await using server = await startRawTcpServer({ kind: 'silent' })
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const refusals = Array.from({ length: 12 }, () => refusalOf(connector.connect(requestToPort(server))))
    await waitFor(() => server.connectionCount === 8, { what: 'eight connections' })

    await clock.advanceAsync(20_000)

    const phases = (await Promise.all(refusals)).map(({ details }) => details?.phase)
    expect(phases.filter((phase) => phase === 'queue')).toHaveLength(4)
    expect(server.connectionCount).toBe(8)
  })

  test('those who wait get their turn', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connections = await Promise.all(
      Array.from({ length: 20 }, () => connector.connect(requestTo(server))),
    )
    expect(connections.filter(({ closedBecause }) => closedBecause === null)).toHaveLength(20)
  })

  test('disposing of the connector ends attempts and connections, and refuses new ones', async () => {
    await using server = await startHostileSshServer()
    await using silent = await startRawTcpServer({ kind: 'silent' })
    const connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const attempt = refusalOf(connector.connect(requestToPort(silent)))
    await waitFor(() => silent.bytesReceived > 0, { what: 'the attempt' })

    await connector[Symbol.asyncDispose]()

    expect(await attempt).toMatchObject({ code: 'DRAINING' })
    expect(await connection.closed).toMatchObject({ code: 'SESSION_LOST' })
    expect(await refusalOf(connector.connect(requestTo(server)))).toMatchObject({ code: 'DRAINING' })
  })

  test('a closed connection leaves no timer behind', async () => {
    await using server = await startHostileSshServer()
    const clock = new FakeClock()
    await using connector = testConnector({ clock })
    const connection = await connector.connect(requestTo(server))
    await connection.close(goodbye())
    expect(clock.pendingTimers).toBe(0)
  })
})

/** Listens and never accepts, with its queue full: a further connection gets no answer at all. */
async function startDeafServer(host: string, port: number) {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
     const server = require('node:net').createServer()
     server.listen({ host: '${host}', port: ${port}, backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
     })`,
    { eval: true },
  )
  const [listening] = (await once(worker, 'message')) as [number]
  const fillers = Array.from({ length: 8 }, () => connect(listening, host).on('error', () => undefined))
  await Promise.race(fillers.map((filler) => once(filler, 'connect')))
  return {
    host,
    port: listening,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy()
      await worker.terminate()
    },
  }
}
