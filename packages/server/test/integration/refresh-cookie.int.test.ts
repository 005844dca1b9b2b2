import fastifyCookie from '@fastify/cookie'
import type { LoginResult } from '@krown/core'
import Fastify from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { krownPlugin } from '../../src/create-server.js'
import { type Answer, call } from '../support/call.js'
import { type Gateway, PASSWORD, type Person, startGateway } from '../support/gateway.js'
import { startServer } from '../support/start-server.js'

const APP = 'https://app.example.com'
const REFRESH = 'POST /api/auth/refresh'

let gateway: Gateway
let person: Person

beforeAll(async () => {
  gateway = await startGateway({
    config: { server: { corsOrigins: [APP], trustProxy: ['127.0.0.1'] } },
  })
  person = await gateway.person('operator')
})
afterAll(() => gateway[Symbol.asyncDispose]())

type Body = Omit<LoginResult, 'refreshToken'> & { refreshToken: string | null; code?: string }

const setCookies = ({ headers }: Answer<unknown>) => headers.getSetCookie()

/** `name=value`, as a browser sends it back. */
const pairOf = (answer: Answer<unknown>) => setCookies(answer)[0]?.split(';')[0] ?? ''

function login(body: object = { refresh: 'cookie' }, headers: Record<string, string> = {}) {
  const credentials = { username: person.user.username, password: PASSWORD }
  return call<Body>(gateway.url, 'POST /api/auth/login', { body: { ...credentials, ...body }, headers })
}

const refresh = (cookie: string, origin: string | undefined = gateway.url) =>
  call<Body>(gateway.url, REFRESH, { headers: { cookie, ...(origin && { origin }) } })

describe('a login with refresh: "cookie"', () => {
  test('has the refresh token in a cookie for one path, out of reach of scripts, and null in the answer', async () => {
    const answer = await login()
    expect(answer).toMatchObject({ status: 200, body: { refreshToken: null, tokenType: 'Bearer' } })
    const [cookie = '', ...others] = setCookies(answer)
    expect(others).toEqual([])
    const [pair, ...attributes] = cookie.split('; ')
    expect(pair).toMatch(/^krown_refresh=krn_rt_[\w.%-]+$/)
    const week = 7 * 24 * 60 * 60
    expect(attributes.sort()).toEqual([
      'HttpOnly',
      `Max-Age=${week}`,
      'Path=/api/auth/refresh',
      'SameSite=Strict',
    ])
  })

  test('marks it Secure when the proxy in front speaks TLS', async () => {
    const answer = await login({ refresh: 'cookie' }, { 'x-forwarded-proto': 'https' })
    expect(setCookies(answer)[0]).toMatch(/; Secure(;|$)/)
  })

  test('is told apart from one without: that sets none', async () => {
    for (const body of [{}, { refresh: 'body' }]) {
      const answer = await login(body)
      expect(setCookies(answer)).toEqual([])
      expect(answer.body.refreshToken).toMatch(/^krn_rt_/)
    }
    expect(await login({ refresh: 'query' })).toMatchObject({
      status: 400,
      body: { details: { fields: [{ path: 'refresh' }] } },
    })
  })

  test('that fails sets none', async () => {
    const answer = await login({ refresh: 'cookie', password: 'not the password' })
    expect([answer.status, setCookies(answer)]).toEqual([401, []])
  })
})

describe('a refresh by the cookie', () => {
  test('rotates it, and a repetition gets the same', async () => {
    const first = pairOf(await login())
    const answer = await refresh(first)
    expect(answer).toMatchObject({ status: 200, body: { refreshToken: null } })
    expect(pairOf(answer)).not.toBe(first)
    expect(pairOf(await refresh(first))).toBe(pairOf(answer))
    const { accessToken } = answer.body
    expect((await call(gateway.url, 'GET /api/auth/me', { token: accessToken })).status).toBe(200)
    expect((await refresh(pairOf(answer))).status).toBe(200)
  })

  test('is for pages of the server itself and of server.cors_origins', async () => {
    const cookie = pairOf(await login())
    const proxied = { cookie, origin: 'https://krown.example.com' }
    const behindProxy = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'krown.example.com' }
    for (const headers of [
      { cookie, origin: gateway.url },
      { cookie, origin: APP },
      { ...proxied, ...behindProxy },
    ]) {
      expect((await call(gateway.url, REFRESH, { headers })).status).toBe(200)
    }
  })

  test.each([
    ['none', undefined],
    ['null', 'null'],
    ['foreign', 'https://evil.example'],
    ['a longer name', `${APP}.evil.example`],
    ['another scheme', 'http://app.example.com'],
    ['another port', `${APP}:8443`],
    ['another port of this host', 'http://127.0.0.1:1'],
    ['TLS on this host', gatewayAsHttps],
  ])('C20: with the Origin header %s it is refused, and the login goes on', async (_name, origin) => {
    const cookie = pairOf(await login())
    const headers = { cookie, ...(origin !== undefined && { origin: originOf(origin) }) }
    const answer = await call<Body>(gateway.url, REFRESH, { headers })
    expect([answer.status, answer.body.code, setCookies(answer)]).toEqual([403, 'FORBIDDEN', []])
    expect((await refresh(cookie)).status).toBe(200)
  })

  test('A15: that is refused because its token is good no more clears it', async () => {
    const cookie = pairOf(await login())
    const { body } = await refresh(cookie)
    await call(gateway.url, 'POST /api/auth/logout', { token: body.accessToken })
    const answer = await refresh(cookie)
    expect(answer.status).toBe(401)
    expect(setCookies(answer)[0]).toMatch(/^krown_refresh=; Max-Age=0; Path=\/api\/auth\/refresh;/)
  })

  test('two of its name are refused and cleared: one was set by somebody else', async () => {
    const [mine, other] = [pairOf(await login()), pairOf(await login())]
    const answer = await refresh(`${other}; ${mine}`)
    expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
    expect(setCookies(answer)[0]).toMatch(/^krown_refresh=;/)
    expect(await refresh(mine)).toMatchObject({ status: 200 })
  })

  test('without one is refused, and one in the body counts before it', async () => {
    const none = await call<Body>(gateway.url, REFRESH, { headers: { origin: gateway.url } })
    expect([none.status, setCookies(none)]).toEqual([401, []])
    const cookie = pairOf(await login())
    const { refreshToken } = await gateway.signIn(person.user.username)
    const answer = await call<Body>(gateway.url, REFRESH, {
      body: { refreshToken },
      headers: { cookie, origin: 'https://evil.example' },
    })
    expect([answer.status, setCookies(answer)]).toEqual([200, []])
    expect(answer.body.refreshToken).toMatch(/^krn_rt_/)
  })
})

test('signing out ends the login of the cookie, and clears it', async () => {
  const signedIn = await login()
  const answer = await call(gateway.url, 'POST /api/auth/logout', { token: signedIn.body.accessToken })
  expect(answer.status).toBe(204)
  expect(pairOf(answer)).toBe('krown_refresh=')
  expect((await refresh(pairOf(signedIn))).status).toBe(401)
})

test('C20: the cookie alone is nobody, on every door', async () => {
  const cookie = pairOf(await login())
  const headers = { cookie, origin: gateway.url }
  for (const line of [
    'GET /api/auth/me',
    'GET /api/sessions',
    'POST /api/auth/logout',
    'GET /trpc/auth.me',
  ]) {
    expect([line, (await call(gateway.url, line, { headers })).status]).toEqual([line, 401])
  }
  const overTrpc = await call(gateway.url, 'POST /trpc/auth.refresh', { headers, body: {} })
  expect([overTrpc.status, setCookies(overTrpc)]).toEqual([400, []])
  const credentials = { username: person.user.username, password: PASSWORD, refresh: 'cookie' }
  const loginOverTrpc = await call(gateway.url, 'POST /trpc/auth.login', { body: credentials })
  expect([loginOverTrpc.status, setCookies(loginOverTrpc)]).toEqual([400, []])
})

describe('C19: cookies across origins', () => {
  const allowed = async (method: string, path: string, origin: string) => {
    const headers = { origin, 'access-control-request-method': 'POST' }
    const response = await fetch(gateway.url + path, { method, headers })
    await response.arrayBuffer()
    const of = (name: string) => response.headers.get(`access-control-allow-${name}`)
    return [of('origin'), of('credentials')]
  }

  test.each(['/api/auth/login', '/api/auth/refresh', '/api/auth/logout'])(
    'are allowed at %s for a configured origin',
    async (path) => {
      expect(await allowed('OPTIONS', path, APP)).toEqual([APP, 'true'])
      expect(await allowed('POST', path, APP)).toEqual([APP, 'true'])
    },
  )

  test.each(['/api/auth/me', '/api/sessions', '/api/tokens', '/trpc/auth.login', '/openapi.json'])(
    'are not allowed at %s',
    async (path) => {
      expect(await allowed('OPTIONS', path, APP)).toEqual([APP, null])
      expect(await allowed('GET', path, APP)).toEqual([APP, null])
    },
  )

  test.each(['https://evil.example', 'null', `${APP}.evil.example`])('never for %s', async (origin) => {
    for (const path of ['/api/auth/login', '/api/auth/refresh', '/api/auth/logout']) {
      expect(await allowed('OPTIONS', path, origin)).toEqual([null, null])
      expect(await allowed('POST', path, origin)).toEqual([null, null])
    }
  })
})

test('where no proxy is trusted, its headers make no origin the own one', async () => {
  await using server = await startServer(gateway.krown)
  const body = { username: person.user.username, password: PASSWORD, refresh: 'cookie' }
  const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' }
  const signedIn = await call(server.url, 'POST /api/auth/login', { body, headers: forwarded })
  expect(setCookies(signedIn)[0]).not.toContain('Secure')
  const headers = { cookie: pairOf(signedIn), origin: 'https://evil.example', ...forwarded }
  expect((await call(server.url, REFRESH, { headers })).status).toBe(403)
})

test('an application that has cookies of its own keeps them', async () => {
  await using app = Fastify()
  await app.register(fastifyCookie)
  const { krown, config } = gateway
  await app.register(krownPlugin, { krown, config, logger: pino({ level: 'silent' }), prefix: '/krown' })
  app.get('/own', async (request, reply) => reply.setCookie('own', String(request.cookies.own)).send())
  const own = await app.inject({ url: '/own', headers: { cookie: 'own=1' } })
  expect(own.headers['set-cookie']).toBe('own=1; SameSite=Lax')
  const credentials = { username: person.user.username, password: PASSWORD, refresh: 'cookie' }
  const signedIn = await app.inject({ method: 'POST', url: '/krown/api/auth/login', payload: credentials })
  expect(signedIn.headers['set-cookie']).toContain('; Path=/krown/api/auth/refresh;')
})

function gatewayAsHttps(): string {
  return gateway.url.replace('http:', 'https:')
}

function originOf(origin: string | (() => string)): string {
  return typeof origin === 'string' ? origin : origin()
}
