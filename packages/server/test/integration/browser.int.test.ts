import { type CallOrigin, KrownError } from '@krown/core'
import { describe, expect, test } from 'vitest'
import { call } from '../support/call.js'
import { fakeKrown, TOKEN } from '../support/fake-krown.js'
import { startServer, type TestServerOptions } from '../support/start-server.js'

const CONSOLE = 'https://console.example.com'
const withConsole: TestServerOptions = { config: { server: { corsOrigins: [CONSOLE] } } }
const empty = { sessions: { list: async () => ({ items: [], nextCursor: null }) } }

describe('C19: pages of other origins', () => {
  test('a configured origin may read answers and the headers it needs; credentials are never allowed', async () => {
    await using server = await startServer(fakeKrown({ client: empty }), withConsole)
    const { headers } = await call(server.url, 'GET /api/sessions', {
      token: TOKEN,
      headers: { origin: CONSOLE },
    })
    expect(headers.get('access-control-allow-origin')).toBe(CONSOLE)
    expect(headers.get('access-control-expose-headers')).toBe('Retry-After, X-Request-Id, Location')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
    expect(headers.get('vary')).toMatch(/origin/i)
  })

  test.each([
    'https://evil.example',
    'null',
    `${CONSOLE}.evil.example`,
    'http://console.example.com',
    `${CONSOLE}:8443`,
  ])('%s may not, and is told nothing', async (origin) => {
    await using server = await startServer(fakeKrown({ client: empty }), withConsole)
    for (const line of ['GET /api/sessions', 'OPTIONS /api/sessions', 'GET /nothing', 'GET /api/auth/me']) {
      const { headers } = await call(server.url, line, {
        headers: { origin, 'access-control-request-method': 'POST' },
      })
      expect(headers.get('access-control-allow-origin')).toBeNull()
      expect(headers.get('access-control-allow-credentials')).toBeNull()
      expect(headers.get('vary')).toMatch(/origin/i)
    }
  })

  test('a preflight names what may be sent', async () => {
    await using server = await startServer(fakeKrown(), withConsole)
    const { status, headers } = await call(server.url, 'OPTIONS /api/sessions', {
      headers: { origin: CONSOLE, 'access-control-request-method': 'POST' },
    })
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe(CONSOLE)
    expect(headers.get('access-control-allow-methods')).toBe('GET, POST, PATCH, DELETE')
    expect(headers.get('access-control-allow-headers')).toBe('Authorization, Content-Type')
  })

  test('without configured origins nobody may, and there are no preflights', async () => {
    await using server = await startServer(fakeKrown({ client: empty }))
    const get = await call(server.url, 'GET /api/sessions', { token: TOKEN, headers: { origin: CONSOLE } })
    expect(get.headers.get('access-control-allow-origin')).toBeNull()
    const preflight = { origin: CONSOLE, 'access-control-request-method': 'POST' }
    expect((await call(server.url, 'OPTIONS /api/sessions', { headers: preflight })).status).toBe(405)
  })

  test('refusals may be read as well', async () => {
    await using server = await startServer(fakeKrown(), withConsole)
    const { status, headers } = await call(server.url, 'GET /api/sessions', { headers: { origin: CONSOLE } })
    expect([status, headers.get('access-control-allow-origin')]).toEqual([401, CONSOLE])
  })
})

describe('C20: what a foreign page can make a browser send', () => {
  test('a form is 415', async () => {
    await using server = await startServer(fakeKrown())
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const headers = { 'content-type': type }
      expect(
        (await call(server.url, 'POST /api/auth/login', { body: '{"username":"a"}', headers })).status,
      ).toBe(415)
    }
  })

  test('a GET with an effect is 405', async () => {
    await using server = await startServer(fakeKrown())
    for (const path of ['/api/auth/logout', '/api/auth/login', '/api/auth/password', '/api/journal/verify']) {
      expect((await call(server.url, `GET ${path}`, { token: TOKEN })).status).toBe(405)
    }
  })

  test('a cookie, a query or another scheme is no token', async () => {
    await using server = await startServer(fakeKrown({ client: empty }))
    const cookies = { cookie: `token=${TOKEN}; authorization=Bearer ${TOKEN}; access_token=${TOKEN}` }
    expect((await call(server.url, 'GET /api/sessions', { headers: cookies })).status).toBe(401)
    for (const name of ['token', 'access_token', 'authorization']) {
      expect((await call(server.url, `GET /api/sessions?${name}=${TOKEN}`)).status).toBe(401)
    }
    for (const authorization of [
      TOKEN,
      `Basic ${btoa(`a:${TOKEN}`)}`,
      `Bearer ${TOKEN} x`,
      `Bearer  `,
      `Token ${TOKEN}`,
    ]) {
      expect((await call(server.url, 'GET /api/sessions', { headers: { authorization } })).status).toBe(401)
    }
    const lowerCase = { authorization: `bearer ${TOKEN}` }
    expect((await call(server.url, 'GET /api/sessions', { headers: lowerCase })).status).toBe(200)
  })

  test('nothing sets a cookie', async () => {
    await using server = await startServer(fakeKrown())
    for (const path of ['/docs', '/openapi.json', '/api/system/info', '/healthz']) {
      const response = await fetch(server.url + path)
      expect(response.headers.get('set-cookie')).toBeNull()
    }
  })
})

describe('headers of every answer', () => {
  const everywhere = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), clipboard-read=()',
    'x-frame-options': 'DENY',
  }
  const lines = [
    '/healthz',
    '/openapi.json',
    '/docs',
    '/docs/start.js',
    '/docs/assets/swagger-ui.css',
    '/api/sessions',
    '/nothing',
  ]

  test.each(lines)('%s is protected, and does not say what serves it', async (path) => {
    await using server = await startServer(fakeKrown())
    const { headers } = await fetch(server.url + path)
    for (const [name, value] of Object.entries(everywhere))
      expect([name, headers.get(name)]).toEqual([name, value])
    for (const name of ['server', 'x-powered-by', 'strict-transport-security'])
      expect(headers.get(name)).toBeNull()
  })

  test('answers of the API run nothing and are stored nowhere', async () => {
    await using server = await startServer(fakeKrown())
    for (const path of ['/api/system/info', '/api/sessions', '/api/nothing', '/openapi.json']) {
      const { headers } = await fetch(server.url + path)
      expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'")
      expect(headers.get('cache-control')).toBe('no-store')
    }
  })
})

describe('the documentation page', () => {
  test('needs nothing inline and nothing from elsewhere', async () => {
    await using server = await startServer(fakeKrown())
    const response = await fetch(`${server.url}/docs`)
    const page = await response.text()
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none';script-src 'self';style-src 'self'/,
    )
    expect(response.headers.get('content-security-policy')).not.toContain('unsafe')
    expect(page).not.toMatch(/<script>|<style>|style=|\son\w+=|https?:/)
    const sources = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path)
    expect(sources).toHaveLength(4)
    for (const path of sources) {
      const { status } = await fetch(new URL(path ?? '', `${server.url}/docs`))
      expect([path, status]).toEqual([path, 200])
    }
  })

  test.each([
    'package.json',
    'index.html',
    '',
    '..%2f..%2fpackage.json',
    'swagger-ui-bundle.js.map',
    '.%2e/package.json',
  ])('serves its own files only: %s is 404', async (name) => {
    await using server = await startServer(fakeKrown())
    expect((await fetch(`${server.url}/docs/assets/${name}`)).status).toBe(404)
  })
})

describe('A23: the address of the caller', () => {
  const FORGED = {
    'x-forwarded-for': '203.0.113.9',
    forwarded: 'for=203.0.113.9',
    'x-real-ip': '203.0.113.9',
    'cf-connecting-ip': '203.0.113.9',
    'true-client-ip': '203.0.113.9',
  }

  /** The addresses that core sees, for a request with these headers. */
  async function seenBy(
    trustProxy: string[],
    headers: Record<string, string>,
  ): Promise<string | null | undefined> {
    let seen: CallOrigin | undefined
    const login = async (_input: unknown, origin: CallOrigin) => {
      seen = origin
      throw new KrownError('UNAUTHENTICATED', 'not signed in')
    }
    await using server = await startServer(fakeKrown({ auth: { login } }), {
      config: { server: { trustProxy } },
    })
    await call(server.url, 'POST /api/auth/login', { body: { username: 'a', password: 'b' }, headers })
    return seen?.clientIp
  }

  test('is that of the connection, whatever headers say', async () => {
    expect(await seenBy([], FORGED)).toBe('127.0.0.1')
    expect(await seenBy(['10.0.0.0/8'], FORGED)).toBe('127.0.0.1')
  })

  test('is what a configured proxy says, and nothing before it in the chain', async () => {
    expect(await seenBy(['127.0.0.1'], FORGED)).toBe('203.0.113.9')
    const chain = { 'x-forwarded-for': '198.51.100.1, 203.0.113.9' }
    expect(await seenBy(['127.0.0.0/8'], chain)).toBe('203.0.113.9')
  })

  test.each([
    'garbage',
    'x'.repeat(8000),
    '999.1.1.1',
    'fe80::1%\u009b31m',
    '203.0.113.9:80',
    'unknown',
    ' , ,',
  ])('is that of the proxy when it says what is no address: %j', async (forwarded) => {
    expect(await seenBy(['127.0.0.1'], { 'x-forwarded-for': forwarded })).toBe('127.0.0.1')
  })
})
