import { catalog, KrownError, type KrownErrorCode } from '@krown/core'
import { describe, expect, test } from 'vitest'
import committed from '../../openapi.json' with { type: 'json' }
import { examples } from '../../scripts/openapi-examples.js'
import { WIRE } from '../../src/errors/error-mapping.js'
import type { Problem } from '../../src/errors/problem.js'
import { call } from '../support/call.js'
import { type FakeParts, fakeKrown, TOKEN } from '../support/fake-krown.js'
import { startServer } from '../support/start-server.js'

const SESSION = '01932c1f-10b4-7a52-8c11-6f2b9e7d4a03'
const command = examples['sessions.execute'].output as Record<string, unknown>

async function withServer<T>(parts: FakeParts, work: (url: string) => Promise<T>): Promise<T> {
  await using server = await startServer(fakeKrown(parts))
  return await work(server.url)
}

/** A client whose `sessions.list` and `users.update` note what they are called with. */
function recorder() {
  const calls: unknown[] = []
  const client: FakeParts['client'] = {
    auth: { logout: async () => {}, changePassword: async () => {} },
    sessions: {
      list: async (query) => {
        calls.push(query)
        return { items: [], nextCursor: null }
      },
      close: async () => examples['sessions.close'].output as never,
      execute: async (id, input) => {
        calls.push([id, input])
        return command as never
      },
    },
    commands: { cancel: async () => command as never },
    users: {
      create: async () => examples['users.create'].output as never,
      update: async (...args) => {
        calls.push(args)
        return examples['users.update'].output as never
      },
    },
  }
  return { calls, client }
}

describe('success', () => {
  test('making something answers 201 and says where it is', () =>
    withServer({ client: recorder().client }, async (url) => {
      const answer = await call(url, 'POST /api/users', {
        token: TOKEN,
        body: examples['users.create'].input,
      })
      expect(answer.status).toBe(201)
      expect(answer.headers.get('location')).toBe(`/api/users/${answer.body.id}`)
    }))

  test('a command that still runs answers 202 and says where to ask again', () =>
    withServer(
      { client: { sessions: { execute: async () => ({ ...command, status: 'running' }) as never } } },
      async (url) => {
        const answer = await call(url, `POST /api/sessions/${SESSION}/execute`, {
          token: TOKEN,
          body: { command: 'x' },
        })
        expect(answer.status).toBe(202)
        expect(answer.headers.get('location')).toBe(`/api/commands/${command.id}`)
      },
    ))

  test('a command that ended answers 200 without a location', () =>
    withServer({ client: recorder().client }, async (url) => {
      const answer = await call(url, `POST /api/sessions/${SESSION}/execute`, {
        token: TOKEN,
        body: { command: 'x' },
      })
      expect([answer.status, answer.headers.get('location')]).toEqual([200, null])
      expect(answer.body).toEqual(command)
    }))

  test('logging out answers 204 without a body', () =>
    withServer({ client: recorder().client }, async (url) => {
      const answer = await call(url, 'POST /api/auth/logout', { token: TOKEN })
      expect([answer.status, answer.body]).toEqual([204, undefined])
    }))

  test('what takes no body works with none, with an empty one and with {}, whatever the content type', () =>
    withServer({ client: recorder().client }, async (url) => {
      const cancel = `POST /api/commands/${command.id}/cancel`
      const json = { 'content-type': 'application/json' }
      for (const line of [cancel, `DELETE /api/sessions/${SESSION}`, 'POST /api/auth/logout']) {
        expect((await call(url, line, { token: TOKEN })).status).toBeLessThan(300)
        expect((await call(url, line, { token: TOKEN, headers: json })).status).toBeLessThan(300)
        expect((await call(url, line, { token: TOKEN, body: {} })).status).toBeLessThan(300)
      }
    }))

  test('HEAD answers as GET does, without the body', () =>
    withServer({ client: recorder().client }, async (url) => {
      const get = await call(url, 'GET /api/sessions', { token: TOKEN })
      const head = await call(url, 'HEAD /api/sessions', { token: TOKEN })
      expect([head.status, head.body]).toEqual([200, undefined])
      expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'))
    }))

  test('the document that is served is the committed one', () =>
    withServer({}, async (url) => {
      expect((await call(url, 'GET /openapi.json')).body).toEqual(committed)
    }))
})

describe('input', () => {
  test('a query string has the types of the schema', async () => {
    const { calls, client } = recorder()
    await withServer({ client }, (url) =>
      call(url, 'GET /api/sessions?limit=7&host=10&status=connected', { token: TOKEN }),
    )
    expect(calls).toEqual([{ limit: 7, host: '10', status: 'connected' }])
  })

  test('a JSON body is never coerced', () =>
    withServer({ client: recorder().client }, async (url) => {
      const path = `PATCH /api/users/${examples['users.update'].input?.userId}`
      for (const body of [{ disabled: 'false' }, { disabled: 0 }, { role: 1 }]) {
        expect((await call(url, path, { token: TOKEN, body })).status).toBe(400)
      }
      expect((await call(url, path, { token: TOKEN, body: { disabled: false } })).status).toBe(200)
    }))

  test('REST traffic does not loosen the schemas that other doors share', () =>
    withServer({ client: recorder().client }, async (url) => {
      await call(url, 'GET /api/sessions?limit=7', { token: TOKEN })
      const path = `POST /api/sessions/${SESSION}/execute`
      expect((await call(url, path, { token: TOKEN, body: { command: 'x', timeoutMs: '7' } })).status).toBe(
        400,
      )
    }))

  test.each([
    ['GET /api/sessions?limit=0', undefined, 'limit'],
    ['GET /api/sessions?limit=201', undefined, 'limit'],
    ['GET /api/sessions?limit=1&limit=2', undefined, 'limit'],
    ['GET /api/sessions?unknown=1', undefined, 'unknown'],
    ['GET /api/sessions/not-an-id', undefined, 'sessionId'],
    [`GET /api/sessions/${SESSION}?x=1`, undefined, 'x'],
    ['GET /api/auth/me?x=1', undefined, 'x'],
    ['POST /api/auth/logout?x=1', undefined, 'x'],
    ['POST /api/auth/logout', { x: 1 }, 'x'],
    [`DELETE /api/sessions/${SESSION}`, { force: true }, 'force'],
    [`POST /api/sessions/${SESSION}/execute?waitMs=0`, { command: 'x' }, 'waitMs'],
    [`POST /api/sessions/${SESSION}/execute`, { command: 'x', sessionId: SESSION }, 'sessionId'],
    [`POST /api/sessions/${SESSION}/execute`, { command: 'x', waitMs: 60_001 }, 'waitMs'],
    [`POST /api/sessions/${SESSION}/execute`, { command: 'x', timeoutMs: 1.5 }, 'timeoutMs'],
    [`POST /api/sessions/${SESSION}/execute`, {}, 'command'],
  ])('%s %o is refused, and the field is named', (line, body, field) =>
    withServer({ client: recorder().client }, async (url) => {
      const answer = await call<Problem>(url, line, { token: TOKEN, body })
      expect(answer.status).toBe(400)
      expect(answer.body).toMatchObject({ code: 'VALIDATION_FAILED', details: { fields: [{ path: field }] } })
    }),
  )

  test.each(['[]', 'null', '"text"', '5', '{"command":', ''])(
    'a body of %j is no input for a command',
    (body) =>
      withServer({ client: recorder().client }, async (url) => {
        const answer = await call(url, `POST /api/sessions/${SESSION}/execute`, {
          token: TOKEN,
          body,
          headers: { 'content-type': 'application/json' },
        })
        expect([answer.status, answer.body.code]).toEqual([400, 'VALIDATION_FAILED'])
      }),
  )

  test('who is not signed in learns nothing about the input', () =>
    withServer({}, async (url) => {
      for (const line of ['GET /api/sessions?unknown=1', 'GET /api/sessions/not-an-id', 'POST /api/users']) {
        expect((await call(url, line)).status).toBe(401)
      }
    }))

  test('only application/json in UTF-8 is taken', () =>
    withServer({ client: recorder().client }, async (url) => {
      const path = `POST /api/sessions/${SESSION}/execute`
      const statusOf = async (type: string) =>
        (await call(url, path, { token: TOKEN, body: { command: 'x' }, headers: { 'content-type': type } }))
          .status
      const taken = [
        'application/json',
        'application/json; charset=utf-8',
        'Application/JSON;charset="UTF-8"',
      ]
      for (const type of taken) expect([type, await statusOf(type)]).toEqual([type, 200])
      const refused = [
        'text/plain',
        'application/x-www-form-urlencoded',
        'application/json; charset=utf-16',
        'application/json; charset=latin1',
        'application/jsonx',
        'text/json',
        'application/json garbage',
        'multipart/form-data; boundary=x',
      ]
      for (const type of refused) expect([type, await statusOf(type)]).toEqual([type, 415])
    }))
})

describe('refusals', () => {
  test.each(Object.keys(catalog) as KrownErrorCode[])(
    '%s has its status and the same body everywhere',
    (code) => {
      const refuse = async () => {
        throw new KrownError(code, 'what happened', { details: { a: 1 }, retryAfterMs: 1500 })
      }
      return withServer({ client: { sessions: { list: refuse } } }, async (url) => {
        const answer = await call<Problem>(url, 'GET /api/sessions', { token: TOKEN })
        expect(answer.status).toBe(WIRE[code].http)
        expect(answer.headers.get('content-type')).toBe('application/problem+json')
        expect(answer.headers.get('retry-after')).toBe('2')
        expect(answer.body).toEqual({
          type: `urn:krown:error:${code}`,
          title: catalog[code].title,
          status: WIRE[code].http,
          detail: 'what happened',
          code,
          kind: catalog[code].kind,
          retryable: 'retryable' in catalog[code],
          requestId: answer.headers.get('x-request-id'),
          retryAfterMs: 1500,
          details: { a: 1 },
        })
      })
    },
  )

  test('what is busy says when to come back, even when core does not know', () =>
    withServer(
      { client: { sessions: { list: () => Promise.reject(new KrownError('UNAVAILABLE', 'down')) } } },
      async (url) => {
        const answer = await call(url, 'GET /api/sessions', { token: TOKEN })
        expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
      },
    ))

  test('an error that nobody meant is a 500 without its text', () =>
    withServer(
      { client: { sessions: { list: () => Promise.reject(new Error('secret /var/db path')) } } },
      async (url) => {
        const answer = await call(url, 'GET /api/sessions', { token: TOKEN })
        expect([answer.status, answer.body.detail]).toEqual([500, 'internal error'])
        expect(JSON.stringify(answer.body)).not.toContain('secret')
      },
    ))

  test('a path that is nothing is 404, a known one under another method 405 with what is allowed', () =>
    withServer({}, async (url) => {
      for (const path of [
        '/',
        '/api',
        '/api/nothing',
        '/API/sessions',
        '//api/sessions',
        '/api/sessions;x',
      ]) {
        expect([path, (await call(url, `GET ${path}`)).status]).toEqual([path, 404])
      }
      const put = await call(url, `PUT /api/sessions/${SESSION}`, { body: {} })
      expect([put.status, put.body.code]).toEqual([405, 'METHOD_NOT_ALLOWED'])
      expect(put.headers.get('allow')?.split(', ').sort()).toEqual(['DELETE', 'GET', 'HEAD'])
    }))

  test('every answer has a request id of our own making', () =>
    withServer({}, async (url) => {
      for (const line of ['GET /healthz', 'GET /api/sessions', 'GET /nothing', 'GET /api/sessions/%ff']) {
        const answer = await call(url, line, {
          headers: { 'x-request-id': 'chosen', 'request-id': 'chosen' },
        })
        expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
      }
    }))
})

describe('a server that drains', () => {
  const draining = { draining: true, client: recorder().client }

  test('H12: asks for other connections, and still tells what there is', () =>
    withServer(draining, async (url) => {
      const answer = await call(url, 'GET /api/sessions', { token: TOKEN })
      expect(answer.status).toBe(200)
      expect(answer.headers.get('connection')).toBe('close')
    }))

  test('is alive but not ready', () =>
    withServer(draining, async (url) => {
      expect((await call(url, 'GET /healthz')).status).toBe(200)
      expect(await call(url, 'GET /readyz')).toMatchObject({ status: 503, body: { code: 'DRAINING' } })
    }))
})

test('readiness is what the database says', async () => {
  const down = async () => {
    throw new KrownError('UNAVAILABLE', 'the database cannot be used right now')
  }
  await withServer({ ready: down }, async (url) => {
    expect(await call(url, 'GET /readyz')).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
  })
  await withServer({}, async (url) => expect((await call(url, 'GET /readyz')).status).toBe(200))
})

test('every request of a signed-in caller is counted, also one that is refused for its input', async () => {
  let counted = 0
  const countRequest = () => {
    counted += 1
    if (counted > 2) throw new KrownError('RATE_LIMITED', 'too many requests', { retryAfterMs: 300 })
  }
  await withServer({ client: recorder().client, countRequest }, async (url) => {
    expect((await call(url, 'GET /api/sessions', { token: TOKEN })).status).toBe(200)
    expect((await call(url, 'GET /api/sessions?unknown=1', { token: TOKEN })).status).toBe(400)
    const third = await call(url, 'GET /api/sessions', { token: TOKEN })
    expect([third.status, third.headers.get('retry-after')]).toEqual([429, '1'])
    expect((await call(url, 'GET /api/sessions')).status).toBe(401)
  })
  expect(counted).toBe(3)
})

/** What a download is asked for is looked at by core. */
function refuseDownload(): never {
  throw new KrownError('VALIDATION_FAILED', 'the input is not valid')
}

test('whatever a request is refused with, the OpenAPI document has it', () =>
  withServer({ client: { recordings: { download: refuseDownload } } }, async (url) => {
    const bodies: [string, string][] = [
      ['application/json', '{'],
      ['application/json', 'x'.repeat(300_000)],
      ['text/xml', '<a/>'],
    ]
    for (const [path, operations] of Object.entries(committed.paths)) {
      if (!path.startsWith('/api/')) continue
      for (const [method, { responses }] of Object.entries(operations)) {
        const ask = async (query: string, init: RequestInit = {}) => {
          const address = url + path.replaceAll(/\{\w+\}/g, SESSION) + query
          const authorization = `Bearer ${TOKEN}`
          const headers = { authorization, ...(init.headers as Record<string, string>) }
          const { status } = await fetch(address, { ...init, method: method.toUpperCase(), headers })
          expect(Object.keys(responses), `${status} of ${method} ${path}${query}`).toContain(String(status))
        }
        await ask('?unknown=1')
        if (method === 'get') continue
        for (const [type, body] of bodies) await ask('', { headers: { 'content-type': type }, body })
      }
    }
  }))
