import { on, once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { waitFor } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { call } from '../support/call.js'
import { fakeKrown } from '../support/fake-krown.js'
import { connectTo, readAll, request, sendRaw } from '../support/raw-http.js'
import { startServer, type TestServer } from '../support/start-server.js'

const KEPT = { connection: 'keep-alive' }
const HALF_A_LOGIN = request(
  'POST /api/auth/login HTTP/1.1',
  { ...KEPT, 'content-type': 'application/json', 'content-length': '50' },
  '{',
)

/** Resolves with the server's side of the next connection when it is closed. */
async function nextConnectionClosed({ app }: TestServer): Promise<void> {
  const [socket] = await once(app.server, 'connection')
  // Not `once`, which a reset would reject.
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}

describe('C24: many requests on one connection, one after the other without waiting', () => {
  test('sixteen are answered', async () => {
    await using server = await startServer(fakeKrown())
    const requests = request('GET /healthz HTTP/1.1', KEPT).repeat(15) + request('GET /healthz HTTP/1.1')
    const { text } = await sendRaw(server.port, requests)
    expect(text.split('HTTP/1.1 200 OK')).toHaveLength(17)
  })

  test('more end the connection, and cost no work', async () => {
    let asked = 0
    const ready = async () => {
      asked += 1
      await new Promise(() => {})
    }
    await using server = await startServer(fakeKrown({ ready }))
    const { closed } = await sendRaw(server.port, request('GET /readyz HTTP/1.1', KEPT).repeat(900))
    expect(closed).toBe(true)
    expect(asked).toBe(16)
    expect((await call(server.url, 'GET /healthz')).status).toBe(200)
  })

  test('a client that goes away leaves no file of the documentation open', async () => {
    await using server = await startServer(fakeKrown())
    const url = '/docs/assets/swagger-ui-bundle.js'
    expect((await fetch(server.url + url, { headers: { connection: 'close' } })).status).toBe(200)
    const closed = nextConnectionClosed(server)
    const socket = await connectTo(server.port)
    socket.pause()
    const begun = countRequests(server, 12)
    socket.write(request(`GET ${url} HTTP/1.1`, KEPT).repeat(12))
    await begun
    socket.destroy()
    await closed
    expect(openFiles().filter((path) => path.includes('swagger-ui'))).toEqual([])
  })
})

async function countRequests({ app }: TestServer, count: number): Promise<void> {
  let seen = 0
  for await (const _ of on(app.server, 'request')) {
    seen += 1
    if (seen === count) return
  }
}

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      return []
    }
  })
}

describe('C11: connections that never finish a request', () => {
  test('keep nobody out, however many there are', async () => {
    await using server = await startServer(fakeKrown(), { http: { maxConnections: 50 } })
    const flood = await Promise.all(Array.from({ length: 50 }, () => connectTo(server.port)))
    const arrived = Promise.all(flood.map(() => once(server.app.server, 'request')))
    for (const socket of flood) socket.write(HALF_A_LOGIN)
    await arrived
    expect((await call(server.url, 'GET /healthz')).status).toBe(200)
    for (const socket of flood) socket.destroy()
  })

  test('are twenty at most of one address, once they had time for it', async () => {
    await using server = await startServer(fakeKrown(), { http: { halfOpenGraceMs: 0 } })
    const flood = []
    for (let n = 0; n < 21; n += 1) flood.push(await connectTo(server.port))
    const oldest = readAll(flood[0]!)
    const another = await connectTo(server.port)
    expect((await oldest).closed).toBe(true)
    expect(flood.slice(1).filter((socket) => socket.destroyed)).toEqual([])
    for (const socket of [...flood, another]) socket.destroy()
  })

  test('do not count while they are at work, or were', async () => {
    let asked = 0
    const ready = async () => {
      asked += 1
      await new Promise(() => {})
    }
    await using server = await startServer(fakeKrown({ ready }), { http: { halfOpenGraceMs: 0 } })
    const busy = []
    for (let n = 0; n < 30; n += 1) {
      const socket = await connectTo(server.port)
      socket.write(request(`GET /${n % 2 === 0 ? 'readyz' : 'healthz'} HTTP/1.1`, KEPT))
      if (n % 2 === 1) await once(socket, 'data')
      busy.push(socket)
    }
    await waitFor(() => asked === 15, { what: 'the requests' })
    expect((await call(server.url, 'GET /healthz')).status).toBe(200)
    expect(busy.filter((socket) => socket.destroyed)).toEqual([])
    for (const socket of busy) socket.destroy()
  })

  test('are not told apart by address behind a proxy, which has one', async () => {
    const http = { halfOpenGraceMs: 0 }
    await using server = await startServer(fakeKrown(), {
      http,
      config: { server: { trustProxy: ['127.0.0.1'] } },
    })
    const slow = []
    for (let n = 0; n < 40; n += 1) slow.push(await connectTo(server.port))
    expect((await call(server.url, 'GET /healthz')).status).toBe(200)
    expect(slow.filter((socket) => socket.destroyed)).toEqual([])
    for (const socket of slow) socket.destroy()
  })
})

test('an expectation other than 100-continue is refused with a problem', async () => {
  await using server = await startServer(fakeKrown())
  const { statuses, text, closed } = await sendRaw(
    server.port,
    request('GET /healthz HTTP/1.1', { ...KEPT, expect: '200-maybe' }),
  )
  expect({ statuses, closed }).toEqual({ statuses: [400], closed: true })
  expect(text).toMatch(/^content-type: application\/problem\+json\r$/im)
  expect(text).toContain('urn:krown:error:VALIDATION_FAILED')
})
