import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type RawTcpMode, startRawTcpServer, waitFor } from '../src/index.js'
import { connectSsh } from './ssh-client.js'

/** Connects and reads until that many bytes have come. */
async function readBytes(port: number, bytes: number): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size >= bytes) break
  }
  return Buffer.concat(chunks)
}

describe('what a client of ssh2 makes of it', () => {
  const cases: [RawTcpMode, RegExp][] = [
    [{ kind: 'silent' }, /Timed out/],
    [{ kind: 'hang-up', words: 'Exceeded MaxStartups\r\n' }, /Connection lost before handshake|ECONNRESET/],
    [{ kind: 'slow-banner', everyMs: 50 }, /Timed out/],
    [{ kind: 'endless-line' }, /Header line too long/],
    [{ kind: 'short-lines' }, /Max greeting lines/],
    // ssh2 loses all but the first of many chunks before the identification, so the lines seem longer than they are.
    [{ kind: 'legal-lines', count: 1025 }, /Max greeting lines|Header line too long/],
    [{ kind: 'ssh-1.5' }, /Invalid identification/],
    [{ kind: 'ssh-1.99' }, /Timed out/],
    [{ kind: 'http' }, /Timed out/],
    [{ kind: 'stall-after-banner' }, /Timed out/],
    [{ kind: 'stall-after-kexinit' }, /Timed out/],
    [{ kind: 'bad-packet-length', length: 0 }, /Bad packet length/],
    [{ kind: 'bad-packet-length', length: 35_001 }, /Bad packet length/],
    [{ kind: 'bad-packet-length', length: 2 ** 31 }, /Bad packet length/],
    [{ kind: 'huge-name-list' }, /Bad packet length/],
    [{ kind: 'huge-name-list', bytes: 2000 }, /Timed out/],
  ]
  test.each(cases)('%j', async (mode, failure) => {
    await using server = await startRawTcpServer(mode)
    const { host, port } = server
    const attempt = connectSsh({ host, port, username: 'x', password: 'x', readyTimeout: 300 })
    await expect(attempt).rejects.toThrow(failure)
    expect(server.connectionCount).toBe(1)
  })
})

describe('other protocols', () => {
  const openings: [RawTcpMode['kind'] & ('http' | 'smtp' | 'tls-alert' | 'ssh-1.99'), string][] = [
    ['http', 'HTTP/1.1 400'],
    ['smtp', '220 '],
    ['tls-alert', '\x15\x03\x03'],
    ['ssh-1.99', 'SSH-1.99-'],
  ]
  test.each(openings)('%s', async (kind, start) => {
    await using server = await startRawTcpServer({ kind })
    expect((await readBytes(server.port, 1)).toString('latin1').startsWith(start)).toBe(true)
  })

  test('echo sends back what it gets', async () => {
    await using server = await startRawTcpServer({ kind: 'echo' })
    const socket = connect(server.port, server.host)
    socket.write('ping')
    expect(String((await once(socket, 'data'))[0])).toBe('ping')
    expect(server.received().toString()).toBe('ping')
    expect([server.bytesReceived, server.bytesSent, server.connectionCount]).toEqual([4, 4, 1])
    socket.destroy()
  })
})

describe('bounds', () => {
  test('all legal lines arrive in full length', async () => {
    await using server = await startRawTcpServer({ kind: 'legal-lines' })
    const bytes = await readBytes(server.port, 1024 * 8190)
    expect(bytes.length).toBe(1024 * 8190)
    expect(server.bytesSent).toBe(1024 * 8190)
  })

  test('an endless line stops at its limit', async () => {
    await using server = await startRawTcpServer({ kind: 'endless-line', maxBytes: 1_000_000 })
    expect((await readBytes(server.port, 1_000_000)).includes('\n')).toBe(false)
    expect(server.bytesSent).toBe(1_000_000)
  })

  test('an endless line waits for a client that does not read', async () => {
    await using server = await startRawTcpServer({ kind: 'endless-line' })
    const socket = connect(server.port, server.host).pause()
    await once(socket, 'connect')
    let before = 0
    const stalled = () => {
      const last = before
      before = server.bytesSent
      return before > 0 && before === last
    }
    await waitFor(stalled, { what: 'back-pressure' })
    expect(server.bytesSent).toBeLessThan(64 * 1024 * 1024)
    socket.destroy()
  })

  test('stop destroys every connection', async () => {
    const server = await startRawTcpServer({ kind: 'endless-line' })
    const socket = connect(server.port, server.host)
    socket.on('error', () => undefined).resume()
    await once(socket, 'data')
    await server.stop()
    await once(socket, 'close')
  })
})
