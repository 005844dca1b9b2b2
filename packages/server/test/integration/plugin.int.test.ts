import { parseConfig } from '@krown/core'
import Fastify from 'fastify'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createKrownServer, krownPlugin } from '../../src/index.js'
import { fakeKrown, TOKEN } from '../support/fake-krown.js'

const authorization = `Bearer ${TOKEN}`

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
