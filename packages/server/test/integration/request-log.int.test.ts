import { KrownError } from '@krown/core'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { loggerOptions } from '../../src/logging.js'
import { call } from '../support/call.js'
import { actor, type FakeParts, fakeKrown, TOKEN } from '../support/fake-krown.js'
import { startServer } from '../support/start-server.js'

const CANARY = 'c4n4ry-s3cr3t'

/** What is logged, at the most talkative level, while `work` talks to a server. */
async function logged(
  parts: FakeParts,
  work: (url: string) => Promise<unknown>,
): Promise<Record<string, unknown>[]> {
  const lines: string[] = []
  const logger = pino(loggerOptions({ level: 'trace' }), { write: (line: string) => void lines.push(line) })
  {
    await using server = await startServer(fakeKrown(parts), { logger })
    await work(server.url)
  }
  return lines.map((line) => JSON.parse(line))
}

test('a request is one line of these fields and no other', async () => {
  const list = async () => ({ items: [], nextCursor: null })
  const lines = await logged({ client: { sessions: { list } } }, (url) =>
    call(url, 'GET /api/sessions?host=a', { token: TOKEN }),
  )
  expect(lines).toEqual([
    {
      level: 'info',
      time: expect.any(String),
      msg: 'request',
      method: 'GET',
      route: '/api/sessions',
      status: 200,
      durationMs: expect.any(Number),
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      userId: actor.userId,
      clientIp: '127.0.0.1',
    },
  ])
})

test('J01: nothing that a caller sends is in the log: no path, query, header or body', async () => {
  const reject = () => Promise.reject(new KrownError('UNAUTHENTICATED', 'not signed in'))
  const lines = await logged({ auth: { login: reject } }, async (url) => {
    const headers = {
      cookie: CANARY,
      'x-api-key': CANARY,
      authorization: `Bearer ${CANARY}`,
      'user-agent': CANARY,
    }
    await call(url, `GET /api/sessions?search=${CANARY}`, { headers })
    await call(url, `GET /${CANARY}`, { headers })
    await call(url, `GET /api/sessions/${CANARY}/%ff`, { headers })
    await call(url, 'POST /api/auth/login', { body: { username: CANARY, password: CANARY }, headers })
    await call(url, 'POST /api/auth/login', { body: `{"${CANARY}":`, headers })
    await call(url, 'POST /api/auth/login', { body: { [CANARY]: CANARY }, headers })
  })
  expect(lines.length).toBeGreaterThanOrEqual(5)
  expect(JSON.stringify(lines)).not.toContain(CANARY)
})

test('an error that nobody meant is logged once, with the id that its caller was given', async () => {
  let requestId: string | null = null
  const list = () => Promise.reject(new TypeError('x is not a function'))
  const lines = await logged({ client: { sessions: { list } } }, async (url) => {
    requestId = (await call(url, 'GET /api/sessions', { token: TOKEN })).headers.get('x-request-id')
  })
  const errors = lines.filter(({ level }) => level === 'error')
  expect(errors).toMatchObject([
    {
      msg: 'request failed unexpectedly',
      requestId,
      err: { type: 'TypeError', message: 'x is not a function' },
    },
  ])
})

test('ordinary refusals are no errors, and probes are quiet', async () => {
  const lines = await logged({}, async (url) => {
    await call(url, 'GET /api/sessions')
    await call(url, 'GET /healthz')
    await call(url, 'GET /nothing')
  })
  expect(lines.map(({ level, status }) => [level, status])).toEqual([
    ['info', 401],
    ['debug', 200],
    ['info', 404],
  ])
})
