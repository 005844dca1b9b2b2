import { createKrownFrom, type LoginResult, openKrownAdmin, type User } from '@krown/core'
import { startHostileSshServer, waitFor } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { call } from '../support/call.js'
import { PASSWORD, startGateway } from '../support/gateway.js'
import { startServer } from '../support/start-server.js'

/** What must be true within five seconds everywhere. */
const soon = (what: string, predicate: () => Promise<boolean>) =>
  waitFor(predicate, { what, timeoutMs: 5000 })

describe('A13: a user who is disabled', () => {
  test('is refused with every token, cannot sign in, and loses the open sessions', async () => {
    await using target = await startHostileSshServer()
    await using gateway = await startGateway({ targets: [target] })
    const { url } = gateway
    const admin = await gateway.admin()
    const { user, token, refreshToken } = await gateway.person('operator')
    const { username, password, port } = target
    const login = { host: '127.0.0.1', port, username, auth: { method: 'password', password } }
    const { body: session } = await call(url, 'POST /api/sessions', { token, body: login })

    await call(url, `PATCH /api/users/${user.id}`, { token: admin.token, body: { disabled: true } })

    await soon(
      'the access token to die',
      async () => (await call(url, 'GET /api/auth/me', { token })).status === 401,
    )
    expect((await call(url, 'POST /api/auth/refresh', { body: { refreshToken } })).status).toBe(401)
    const credentials = { username: user.username, password: PASSWORD }
    expect((await call(url, 'POST /api/auth/login', { body: credentials })).status).toBe(401)
    await soon('the session to be closed', async () => {
      const { body } = await call(url, `GET /api/sessions/${session.id}`, { token: admin.token })
      return body.status === 'disconnected' && body.statusReason === 'user_disabled'
    })
    await soon('the connection to end', async () => target.connections.length === 0)
  })

  test('comes back when enabled, but not with the old tokens', async () => {
    await using gateway = await startGateway()
    const { token: admin } = await gateway.admin()
    const { user, token } = await gateway.person('operator')
    const path = `PATCH /api/users/${user.id}`
    await call(gateway.url, path, { token: admin, body: { disabled: true } })
    await call(gateway.url, path, { token: admin, body: { disabled: false } })
    expect((await call(gateway.url, 'GET /api/auth/me', { token })).status).toBe(401)
    const again = await gateway.signIn(user.username)
    expect((await call(gateway.url, 'GET /api/auth/me', { token: again.token })).status).toBe(200)
  })
})

test('A14: after logout neither token is good, and other logins are', async () => {
  await using gateway = await startGateway()
  const { url } = gateway
  const { user, token, refreshToken } = await gateway.person('operator')
  const other = await gateway.signIn(user.username)
  expect((await call(url, 'POST /api/auth/logout', { token })).status).toBe(204)
  await soon(
    'the access token to die',
    async () => (await call(url, 'GET /api/auth/me', { token })).status === 401,
  )
  expect((await call(url, 'POST /api/auth/refresh', { body: { refreshToken } })).status).toBe(401)
  expect((await call(url, 'GET /api/auth/me', { token: other.token })).status).toBe(200)
})

test('a changed password ends every other login, and takes the right old one', async () => {
  await using gateway = await startGateway()
  const { url } = gateway
  const { user, token } = await gateway.person('operator')
  const other = await gateway.signIn(user.username)
  const change = (currentPassword: string) =>
    call(url, 'POST /api/auth/password', {
      token,
      body: { currentPassword, newPassword: 'another good passphrase' },
    })
  expect((await change('not the password')).status).toBeGreaterThanOrEqual(400)
  expect((await change(PASSWORD)).status).toBe(204)
  expect((await call(url, 'GET /api/auth/me', { token })).status).toBe(200)
  await soon(
    'the other login to die',
    async () => (await call(url, 'GET /api/auth/me', { token: other.token })).status === 401,
  )
})

test('a refresh answers with new tokens, and with the same once more', async () => {
  await using gateway = await startGateway()
  const { refreshToken } = await gateway.person('operator')
  const refresh = () => call<LoginResult>(gateway.url, 'POST /api/auth/refresh', { body: { refreshToken } })
  const first = await refresh()
  const again = await refresh()
  expect([first.status, again.status]).toEqual([200, 200])
  expect(first.body.refreshToken).not.toBe(refreshToken)
  expect(again.body.refreshToken).toBe(first.body.refreshToken)
  expect((await call(gateway.url, 'GET /api/auth/me', { token: first.body.accessToken })).status).toBe(200)
})

describe('A23: a forged address', () => {
  test('opens no new account of failures', async () => {
    const limits = { loginFailuresPerAddress: 3, loginFailuresPerAccount: 100 }
    await using gateway = await startGateway({ config: { limits } })
    const statuses: number[] = []
    for (let n = 0; n < 6; n += 1) {
      const address = `203.0.113.${n}`
      const headers = { 'x-forwarded-for': address, forwarded: `for=${address}`, 'x-real-ip': address }
      const body = { username: `nobody-${n}`, password: 'wrong' }
      const answer = await call(gateway.url, 'POST /api/auth/login', { body, headers })
      statuses.push(answer.status)
      if (answer.status === 429) expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429])
  })

  test('is believed from a configured proxy', async () => {
    const limits = { loginFailuresPerAddress: 3, loginFailuresPerAccount: 100 }
    await using gateway = await startGateway({ config: { limits, server: { trustProxy: ['127.0.0.1'] } } })
    for (let n = 0; n < 6; n += 1) {
      const headers = { 'x-forwarded-for': `203.0.113.${n}` }
      const body = { username: `nobody-${n}`, password: 'wrong' }
      expect((await call(gateway.url, 'POST /api/auth/login', { body, headers })).status).toBe(401)
    }
  })
})

describe('A27: the first administrator', () => {
  test('of 50 who come at once with the right token, one is made, and none after a restart', async () => {
    await using gateway = await startGateway()
    const register = (url: string, n: number) => {
      const body = { username: `admin-${n}`, password: PASSWORD, setupToken: gateway.setupToken }
      return call<User>(url, 'POST /api/auth/register', { body })
    }
    const registerOverTrpc = async (url: string, n: number) => {
      const body = { username: `admin-${n}`, password: PASSWORD, setupToken: gateway.setupToken }
      const answer = await call<{ result?: { data: User } }>(url, 'POST /trpc/auth.register', { body })
      const user = answer.body.result?.data
      return { status: user ? 201 : answer.status, body: { role: user?.role } }
    }
    const onTheMachine = async () => {
      await using machine = await openKrownAdmin(gateway.config)
      await machine.createFirstAdmin({ username: 'machine', password: PASSWORD })
    }
    const machine = onTheMachine().then(
      () => 'admin',
      (error) => error.code,
    )
    const answers = await Promise.all(
      Array.from({ length: 49 }, (_, n) => (n % 2 ? register : registerOverTrpc)(gateway.url, n)),
    )
    const outcomes = [
      ...answers.map(({ status, body }) => (status === 201 ? body.role : status)),
      await machine,
    ]
    expect(outcomes.filter((outcome) => outcome === 'admin')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 409 || outcome === 'CONFLICT')).toHaveLength(49)

    await gateway.krown.close()
    await using krown = await createKrownFrom(gateway.config)
    await using server = await startServer(krown)
    expect((await register(server.url, 99)).status).toBe(409)
  })

  test('is not made without the token, or with a wrong one', async () => {
    await using gateway = await startGateway()
    const register = (body: object) => call<User>(gateway.url, 'POST /api/auth/register', { body })
    const plain = await register({ username: 'somebody', password: PASSWORD })
    expect([plain.status, plain.body.role]).toEqual([201, 'readonly'])
    const wrong = await register({
      username: 'somebody-else',
      password: PASSWORD,
      setupToken: 'x'.repeat(43),
    })
    expect(wrong.status).toBe(403)
    expect(await gateway.krown.setupRequired()).toBe(true)
  })
})

test('A28: nobody registers with a role, or with anything else that is not asked for', async () => {
  await using gateway = await startGateway()
  const extras = {
    role: 'admin',
    orgId: 'x',
    isAdmin: true,
    id: 'x',
    createdAt: 'x',
    passwordHash: 'x',
    auditScope: 'org',
  }
  for (const [name, value] of Object.entries(extras)) {
    const body = { username: 'somebody', password: PASSWORD, [name]: value }
    const answer = await call(gateway.url, 'POST /api/auth/register', { body })
    expect(answer).toMatchObject({ status: 400, body: { details: { fields: [{ path: name }] } } })
  }
  const { status } = await call(gateway.url, 'POST /api/auth/login', {
    body: { username: 'somebody', password: PASSWORD },
  })
  expect(status).toBe(401)
})
