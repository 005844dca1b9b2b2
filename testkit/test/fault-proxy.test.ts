import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import {
  type FaultProxy,
  startFaultProxy,
  startHostileSshServer,
  startRawTcpServer,
  waitFor,
} from '../src/index.js'
import { closeOf, connectSsh } from './ssh-client.js'

async function connected(proxy: FaultProxy): Promise<Socket> {
  const socket = connect(proxy.port, proxy.host)
  await once(socket, 'connect')
  return socket
}

async function echoed(socket: Socket, text: string): Promise<string> {
  let answer = ''
  socket.write(text)
  while (answer.length < text.length) answer += String((await once(socket, 'data'))[0])
  return answer
}

describe('fault proxy', () => {
  test('passes an SSH connection with more than any buffer holds, and counts', async () => {
    await using server = await startHostileSshServer()
    await using proxy = await startFaultProxy(server)
    const { username, privateKey } = server
    await using client = await connectSsh({ host: proxy.host, port: proxy.port, username, privateKey })
    const bytes = 20 * 1024 * 1024
    expect((await client.exec(`flood-stdout ${bytes}`)).stdout.length).toBe(bytes)
    expect(proxy.counters.connections).toBe(1)
    expect(proxy.counters.bytesToClient).toBeGreaterThan(bytes)
  })

  test('passes the end of a stream on while the other direction stays open', async () => {
    const target = createServer({ allowHalfOpen: true }, (socket) =>
      socket.resume().on('end', () => socket.end('bye')),
    )
    target.listen(0, '127.0.0.1')
    await once(target, 'listening')
    const { port } = target.address() as { port: number }
    await using proxy = await startFaultProxy({ host: '127.0.0.1', port })
    const socket = await connected(proxy)
    socket.end('hello')
    expect(String((await once(socket, 'data'))[0])).toBe('bye')
    await closeOf(socket)
    target.close()
  })

  test('down ends what is open and refuses; pass serves the same port again', async () => {
    await using server = await startRawTcpServer({ kind: 'echo' })
    await using proxy = await startFaultProxy(server)
    const { port } = proxy
    const socket = (await connected(proxy)).resume()
    const closed = closeOf(socket)
    await proxy.down()
    await closed
    await expect(connected(proxy)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await proxy.pass()
    expect(proxy.port).toBe(port)
    const again = await connected(proxy)
    expect(await echoed(again, 'hello')).toBe('hello')
    again.destroy()
  })

  test('reset ends what is open with RST and lets new connections pass', async () => {
    await using server = await startRawTcpServer({ kind: 'echo' })
    await using proxy = await startFaultProxy(server)
    const socket = await connected(proxy)
    await echoed(socket, 'hello')
    const error = once(socket, 'error').catch((reason: unknown) => [reason])
    proxy.reset()
    expect((await error)[0]).toMatchObject({ code: 'ECONNRESET' })
    const again = await connected(proxy)
    expect(await echoed(again, 'hello')).toBe('hello')
    again.destroy()
  })

  test('a blackhole accepts and swallows', async () => {
    await using server = await startRawTcpServer({ kind: 'echo' })
    await using proxy = await startFaultProxy(server)
    const open = await connected(proxy)
    await echoed(open, 'hello')
    proxy.blackhole()
    const fresh = await connected(proxy)
    let answered = false
    for (const socket of [open, fresh]) {
      socket.on('data', () => {
        answered = true
      })
      socket.write('lost')
    }
    await waitFor(() => proxy.counters.bytesSwallowed === 8, { what: 'both writes to be swallowed' })
    await proxy.pass()
    const after = await connected(proxy)
    await echoed(after, 'x')
    expect(answered).toBe(false)
    expect(server.received().toString()).toBe('hellox')
    for (const socket of [open, fresh, after]) socket.destroy()
  })

  test('latency delays each way and keeps the order', async () => {
    await using server = await startRawTcpServer({ kind: 'echo' })
    await using proxy = await startFaultProxy(server)
    proxy.setLatency(30)
    const socket = await connected(proxy)
    const started = performance.now()
    const text = 'abcdefghij'
    for (const letter of text.slice(1)) socket.write(letter)
    expect(await echoed(socket, '')).toBe('')
    let answer = ''
    while (answer.length < text.length - 1) answer += String((await once(socket, 'data'))[0])
    expect(answer).toBe(text.slice(1))
    // A lower bound cannot fail on a slow machine; timers may fire a millisecond early.
    expect(performance.now() - started).toBeGreaterThanOrEqual(58)
    socket.destroy()
  })

  test('cuts after that many bytes, once', async () => {
    await using server = await startRawTcpServer({ kind: 'echo' })
    await using proxy = await startFaultProxy(server)
    const cut = proxy.cutAfterBytes(5)
    const socket = await connected(proxy)
    let answer = ''
    socket.on('data', (data) => (answer += data))
    const closed = closeOf(socket)
    socket.write('abc')
    socket.write('defghi')
    await Promise.all([cut, closed])
    expect(answer).toBe('abcde')
    expect(proxy.counters.cuts).toBe(1)
    const again = await connected(proxy)
    expect(await echoed(again, 'whole again')).toBe('whole again')
    again.destroy()
  })

  test('cuts before the target sees a pattern, also one in two pieces', async () => {
    await using server = await startRawTcpServer({ kind: 'echo' })
    await using proxy = await startFaultProxy(server)
    const cut = proxy.cutWhenClientSends('COMMIT')
    const socket = await connected(proxy)
    await echoed(socket, 'BEGIN COM')
    const closed = closeOf(socket.resume())
    socket.write('MIT')
    await Promise.all([cut, closed])
    expect(server.received().toString()).toBe('BEGIN COM')
  })

  test('cuts after the target got the pattern, and loses its answer', async () => {
    await using server = await startRawTcpServer({ kind: 'echo' })
    await using proxy = await startFaultProxy(server)
    const cut = proxy.cutWhenClientSends('COMMIT', { delivered: true })
    const socket = await connected(proxy)
    let answer = ''
    socket.on('data', (data) => (answer += data))
    const closed = closeOf(socket)
    socket.write('COMMIT')
    await Promise.all([cut, closed])
    expect(server.received().toString()).toBe('COMMIT')
    expect(answer).toBe('')
  })

  test('a client of a proxy whose target is down is cut off', async () => {
    const server = await startRawTcpServer({ kind: 'echo' })
    await using proxy = await startFaultProxy(server)
    await server.stop()
    const socket = connect(proxy.port, proxy.host)
    socket.on('error', () => undefined)
    await closeOf(socket)
  })
})
