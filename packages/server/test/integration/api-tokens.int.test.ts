import { randomBytes } from 'node:crypto'
import { PassThrough } from 'node:stream'
import type { ApiToken, NewApiToken } from '@krown/core'
import { startHostileSshServer, waitFor } from '@krown/testkit'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, call } from '../support/call.js'
import { type Gateway, type Person, startGateway } from '../support/gateway.js'
import { RawSocket } from '../support/raw-socket.js'
import { startServer } from '../support/start-server.js'
import { connectTrpc } from '../support/trpc.js'

let gateway: Gateway
let admin: Person
let owner: Person

beforeAll(async () => {
  gateway = await startGateway()
  admin = await gateway.admin()
  owner = await gateway.person('operator')
})
afterAll(() => gateway[Symbol.asyncDispose]())

async function create(person: Person, body: object = {}, on: Gateway = gateway): Promise<NewApiToken> {
  const options = { token: person.token, body: { name: 'ci', ...body } }
  const answer = await call<NewApiToken>(on.url, 'POST /api/tokens', options)
  expect(answer.status).toBe(201)
  return answer.body
}

const ask = (token: string, line = 'GET /api/auth/me') => call(gateway.url, line, { token })

/** What must be true within five seconds everywhere. */
const soon = (what: string, predicate: () => Promise<boolean>) =>
  waitFor(predicate, { what, timeoutMs: 5000 })

test('a token is told once, does what its owner may, and is listed without its text', async () => {
  const { token, ...made } = await create(owner, { scopes: ['session:read'] })
  expect(token).toMatch(/^krn_pat_\w{83}$/)
  expect(await ask(token)).toMatchObject({ status: 200, body: { id: owner.user.id } })
  expect((await ask(token, 'GET /api/sessions')).status).toBe(200)
  const { body } = await call<{ items: ApiToken[] }>(gateway.url, 'GET /api/tokens', { token: owner.token })
  expect(body.items[0]).toEqual({ ...made, lastUsedAt: expect.any(String) })
  expect(JSON.stringify(body)).not.toContain(token)
})

test('a program opens a session, runs a command and closes it, by the scopes for that', async () => {
  await using target = await startHostileSshServer()
  await using own = await startGateway({ targets: [target] })
  const person = await own.person('operator')
  const scopes = ['session:open', 'session:execute', 'session:close']
  const { token, id } = await create(person, { scopes }, own)
  const { username, password, port } = target
  const login = { host: '127.0.0.1', port, username, auth: { method: 'password', password } }
  const session = await call(own.url, 'POST /api/sessions', { token, body: login })
  expect(session.status).toBe(201)
  const path = `/api/sessions/${session.body.id}`
  const command = await call(own.url, `POST ${path}/execute`, { token, body: { command: 'true' } })
  expect(command).toMatchObject({ status: 200, body: { userId: person.user.id } })
  expect((await call(own.url, `DELETE ${path}`, { token })).status).toBe(200)
  expect((await call(own.url, `GET ${path}`, { token })).status).toBe(403)
  const journal = await call<{ items: Record<string, unknown>[] }>(
    own.url,
    `GET /api/journal?resourceId=${command.body.id}`,
    { token: (await own.admin()).token },
  )
  const byToken = { actorKind: 'api_token', actorUserId: person.user.id, actorTokenId: id }
  expect(journal.body.items).toMatchObject([byToken, byToken])
})

const withoutRequestId = ({ status, body }: Answer) => ({ status, body: { ...body, requestId: '' } })

describe('A29 A30: refused in the same words as any bad token is', () => {
  test('one that is made up, mistyped, revoked or expired', async () => {
    const good = await create(owner)
    const revoked = await create(owner)
    const expired = await create(owner)
    const path = `DELETE /api/tokens/${revoked.id}`
    expect(await call(gateway.url, path, { token: owner.token })).toMatchObject({
      status: 200,
      body: { id: revoked.id, revokedAt: expect.any(String) },
    })
    gateway.sql('update api_tokens set expires_at = ? where id = ?', Date.now() - 1, expired.id)
    const last = good.token.endsWith('0') ? '1' : '0'
    const expected = withoutRequestId(await ask('not.a.token'))
    expect(expected.status).toBe(401)
    for (const token of [
      revoked.token,
      expired.token,
      good.token.slice(0, -1) + last,
      `krn_pat_${randomBytes(40).toString('hex')}`,
      good.token.toUpperCase(),
    ]) {
      expect(withoutRequestId(await ask(token))).toEqual(expected)
    }
    expect((await ask(good.token)).status).toBe(200)
  })

  test('one whose owner is disabled, within 5 s', async () => {
    const person = await gateway.person('operator')
    const { token } = await create(person)
    const path = `PATCH /api/users/${person.user.id}`
    expect((await ask(token)).status).toBe(200)
    await call(gateway.url, path, { token: admin.token, body: { disabled: true } })
    await soon('the API token to be refused', async () => (await ask(token)).status === 401)
  })
})

test('A30: a token follows the role of its owner, within 5 s', async () => {
  const person = await gateway.person('admin')
  const { token } = await create(person)
  expect((await ask(token, 'GET /api/users')).status).toBe(200)
  const path = `PATCH /api/users/${person.user.id}`
  await call(gateway.url, path, { token: admin.token, body: { role: 'readonly' } })
  await soon('the demotion', async () => (await ask(token, 'GET /api/users')).status === 403)
})

test('A30: with a token no tokens are made, no password changed, no login ended', async () => {
  const { token, id } = await create(owner)
  const calls: [string, object | undefined][] = [
    ['POST /api/tokens', { name: 'more' }],
    ['GET /api/tokens', undefined],
    [`DELETE /api/tokens/${id}`, undefined],
    ['POST /api/auth/password', { currentPassword: 'a', newPassword: 'another good passphrase' }],
    ['POST /api/auth/logout', undefined],
  ]
  for (const [line, body] of calls) {
    const answer = await call(gateway.url, line, { token, ...(body && { body }) })
    expect([line, answer.status, answer.body.code]).toEqual([line, 403, 'FORBIDDEN'])
  }
  expect((await ask(token)).status).toBe(200)
})

test('A31: in the query, a cookie or another header it is nobody, and it is echoed and logged nowhere', async () => {
  const { token } = await create(owner)
  const log = new PassThrough()
  let logged = ''
  log.on('data', (chunk) => {
    logged += chunk
  })
  await using server = await startServer(gateway.krown, { logger: pino({ level: 'trace' }, log) })
  const tries: [string, Record<string, string>][] = [
    [`GET /api/auth/me?access_token=${token}`, {}],
    [`GET /api/auth/me?token=${token}`, {}],
    [`GET /api/sessions/${token}`, {}],
    [`GET /${token}`, {}],
    ['GET /api/auth/me', { cookie: `token=${token}; krown_refresh=${token}; authorization=Bearer ${token}` }],
    ['GET /api/auth/me', { 'x-api-key': token }],
    ['GET /api/auth/me', { authorization: token }],
    ['GET /api/auth/me', { authorization: `Basic ${Buffer.from(`x:${token}`).toString('base64')}` }],
    ['GET /api/auth/me', { authorization: `Token ${token}` }],
    ['POST /api/auth/refresh', { cookie: `krown_refresh=${token}`, origin: server.url }],
  ]
  for (const [line, headers] of tries) {
    const { status, body, headers: answered } = await call(server.url, line, { headers })
    expect([line, status]).toEqual([line, line.startsWith('GET /krn') ? 404 : 401])
    expect(JSON.stringify([body, ...answered])).not.toContain(token)
  }
  const again = await call(server.url, `GET /api/auth/me?token=${token}`, { token })
  expect(again.status).toBe(400)
  expect(JSON.stringify(again.body)).not.toContain(token)
  expect(logged).toContain('request')
  expect(logged).not.toContain(token)
})

describe('over a WebSocket', () => {
  test('A30: a token serves until it is revoked', async () => {
    const { token, id } = await create(owner, { scopes: ['session:read'] })
    await using socket = connectTrpc(gateway.url, () => token)
    expect(await socket.client.auth.me.query()).toMatchObject({ id: owner.user.id })
    await expect(socket.client.tokens.list.query({})).rejects.toMatchObject({ data: { code: 'FORBIDDEN' } })
    await call(gateway.url, `DELETE /api/tokens/${id}`, { token: owner.token })
    await soon('the socket to be nobody', async () =>
      socket.client.auth.me.query().then(
        () => false,
        ({ data }) => data?.code === 'UNAUTHORIZED',
      ),
    )
  })

  test('A31: as a sub-protocol or in the query a token is nobody, and it is not echoed', async () => {
    const { token } = await create(owner)
    for (const [path, protocols] of [
      ['/trpc', [token]],
      [`/trpc?token=${token}`, []],
      [`/trpc?connectionParams=${encodeURIComponent(JSON.stringify({ token }))}`, []],
    ] as const) {
      const heard = await askedOver(path, [...protocols])
      expect(heard).toContain('UNAUTHORIZED')
      expect(heard).not.toContain(token)
    }
  })

  /** What a WebSocket without connection parameters is answered. */
  async function askedOver(path: string, protocols: string[]): Promise<string> {
    await using socket = await RawSocket.connect(gateway.url, path, { headers: subprotocols(protocols) })
    socket.send({ id: 1, jsonrpc: '2.0', method: 'query', params: { path: 'auth.me' } })
    const answer = await socket.until(({ id }) => id === 1)
    return JSON.stringify([answer, socket.ws.protocol])
  }

  // As a header, since the client refuses a server that accepts none of what it offered.
  function subprotocols(protocols: string[]): Record<string, string> {
    return protocols.length === 0 ? {} : { 'sec-websocket-protocol': protocols.join(', ') }
  }
})
