import { parseConfig, type Session, type User } from '@krown/core'
import Fastify from 'fastify'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { examples } from '../../scripts/openapi-examples.js'
import { appRouter, createContext, createKrownServer, krownPlugin } from '../../src/index.js'
import { call } from '../support/call.js'
import { fakeKrown, TOKEN } from '../support/fake-krown.js'
import { RawSocket } from '../support/raw-socket.js'
import { connectTrpc } from '../support/trpc.js'

const authorization = `Bearer ${TOKEN}`
const ada = examples['auth.me'].output as User

/** An application of somebody else, with Krown's routes in it. */
async function createApplication(calls: unknown[] = []) {
  const list = async (query: unknown) => {
    calls.push(query)
    return { items: [], nextCursor: null }
  }
  const app = Fastify()
  app.post('/own', async ({ body }) => ({ body }))
  app.get('/own/fails', async () => {
    throw new Error('its own affair')
  })
  const krown = fakeKrown({ client: { sessions: { list } } })
  await app.register(krownPlugin, { krown, config: parseConfig({}), logger: pino({ level: 'silent' }) })
  return app
}

test('Krown works inside of another application', async () => {
  const calls: unknown[] = []
  await using app = await createApplication(calls)
  const answer = await app.inject({ url: '/api/sessions?limit=3', headers: { authorization } })
  expect([answer.statusCode, answer.json()]).toEqual([200, { items: [], nextCursor: null }])
  expect(calls).toEqual([{ limit: 3 }])
  const twice = await app.inject({ url: '/api/sessions?limit=3&limit=4', headers: { authorization } })
  expect([twice.statusCode, twice.json().code]).toEqual([400, 'VALIDATION_FAILED'])
  expect((await app.inject('/docs')).statusCode).toBe(200)
})

test('the server of its own answers without listening, for tests of programs that embed it', async () => {
  const logger = pino({ level: 'silent' })
  await using app = await createKrownServer({ krown: fakeKrown(), config: parseConfig({}), logger })
  expect((await app.inject('/api/system/info')).statusCode).toBe(200)
  expect((await app.inject({ method: 'PUT', url: '/api/sessions' })).statusCode).toBe(405)
})

test('and the application stays what it was', async () => {
  await using app = await createApplication()
  const own = await app.inject({
    method: 'POST',
    url: '/own',
    payload: 'text',
    headers: { 'content-type': 'text/plain' },
  })
  expect([own.json(), own.headers['content-security-policy']]).toEqual([{ body: 'text' }, undefined])
  expect((await app.inject('/own/fails')).json().message).toBe('its own affair')
  expect((await app.inject('/nothing')).json().error).toBe('Not Found')
})

test('Krown works below a prefix, with every door and every address that it tells', async () => {
  const session = examples['sessions.open'].output as Session
  const open = async () => ({ session }) as never
  const krown = fakeKrown({ client: { sessions: { open }, auth: { me: async () => ada } } })
  const app = Fastify()
  await app.register(krownPlugin, { krown, config: parseConfig({}), prefix: '/ops' })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const url = app.listeningOrigin
  try {
    const payload = examples['sessions.open'].input
    const opened = await call(`${url}/ops`, 'POST /api/sessions', { token: TOKEN, body: payload })
    expect([opened.status, opened.headers.get('location')]).toEqual([201, `/ops/api/sessions/${session.id}`])
    const document = await call<{ servers: unknown }>(`${url}/ops`, 'GET /openapi.json')
    expect(document.body.servers).toEqual([{ url: '/ops' }])
    const page = await (await fetch(`${url}/ops/docs`)).text()
    for (const [, address = ''] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect([address, (await fetch(new URL(address, `${url}/ops/docs`))).status]).toEqual([address, 200])
    }
    await using trpc = connectTrpc(`${url}/ops`, () => TOKEN)
    expect(await trpc.client.auth.me.query()).toEqual(ada)
    await using plain = await RawSocket.connect(`${url}/ops`, '/ws')
    plain.send({ type: 'authenticate', token: TOKEN, protocol: 1 })
    expect(await plain.until(({ type }) => type === 'authenticated')).toMatchObject({ user: ada })
    await expect(RawSocket.connect(url, '/ws')).rejects.toThrow('404')
    const closing = app.close()
    expect(await plain.closed).toBe(1012)
    await closing
  } finally {
    await app.close()
  }
})

test("upgrades of the application's own are left to it", async () => {
  const app = Fastify()
  await app.register(krownPlugin, { krown: fakeKrown(), config: parseConfig({}), prefix: '/ops' })
  app.server.on('upgrade', ({ url }, stream) => {
    if (url === '/own') stream.end('HTTP/1.1 418 Own\r\n\r\n')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  try {
    await expect(RawSocket.connect(app.listeningOrigin, '/own')).rejects.toThrow('418')
    await using _krowns = await RawSocket.connect(app.listeningOrigin, '/ops/ws')
  } finally {
    await app.close()
  }
})

test('the router is called by who has one of their own', async () => {
  const krown = fakeKrown({ client: { auth: { me: async () => ada } } })
  const origin = { clientIp: null, requestId: 'r-1' }
  const caller = appRouter.createCaller(createContext({ krown, origin, authorization }))
  expect(await caller.auth.me()).toEqual(ada)
  await expect(caller.auth.reauthenticate({ token: TOKEN })).rejects.toMatchObject({
    code: 'METHOD_NOT_SUPPORTED',
  })
})
