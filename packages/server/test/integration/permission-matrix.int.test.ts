import { randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { krownPlugin } from '../../src/create-server.js'
import { CALLERS, type Caller, permissionMatrix } from '../permission-matrix.table.js'
import { call } from '../support/call.js'
import { fakeKrown } from '../support/fake-krown.js'
import { PASSWORD, type Person } from '../support/gateway.js'
import {
  importOfOne,
  loginTo,
  type MatrixWorld,
  newHostKey,
  newRule,
  newTarget,
  newUser,
  ownersLogin,
  startMatrixWorld,
} from '../support/matrix-world.js'

interface Call {
  path: string
  body?: unknown
  token?: string
}

let world: MatrixWorld

beforeAll(async () => {
  world = await startMatrixWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

const newCredential = () => ({ name: randomUUID(), kind: 'password', password: 'a secret of a target' })

/** A credential for this one request. */
async function storeCredential(): Promise<string> {
  const options = { token: world.people.admin.token, body: newCredential() }
  const { body } = await call(world.gateway.url, 'POST /api/credentials', options)
  return String(body.id)
}

/** The path of a target for this one request. */
async function addTarget(): Promise<string> {
  const options = { token: world.people.admin.token, body: newTarget() }
  const { body } = await call(world.gateway.url, 'POST /api/targets', options)
  return `/api/targets/${body.id}`
}

const placeOfTarget = () => ({ host: '127.0.0.1', port: world.target.port })

/** The path of a key that the owner pinned for itself. */
async function ownersHostKey(): Promise<string> {
  const options = { token: world.people.owner.token, body: { ...newHostKey(), scope: 'user' } }
  const { body } = await call(world.gateway.url, 'POST /api/host-keys', options)
  return `/api/host-keys/${body.id}`
}

/** Something for this one request. */
async function made(path: string, body: unknown): Promise<string> {
  const options = { token: world.people.admin.token, body }
  return String((await call(world.gateway.url, `POST ${path}`, options)).body.id)
}

/** A login for this one request, so that ending it ends nobody else's. */
const another = (person: Person | undefined) => person && world.gateway.signIn(person.user.username)

/** How each route is asked; what is not here needs no more than its path. */
const calls: Record<string, (person: Person | undefined) => Promise<Call> | Call> = {
  'POST /api/auth/register': () => ({ path: '/api/auth/register', body: newUser() }),
  'POST /api/auth/login': () => ({
    path: '/api/auth/login',
    body: { username: world.people.owner.user.username, password: PASSWORD },
  }),
  'POST /api/auth/refresh': async () => {
    const { refreshToken } = await world.gateway.signIn(world.people.owner.user.username)
    return { path: '/api/auth/refresh', body: { refreshToken } }
  },
  'POST /api/auth/password': (person) => ({
    path: '/api/auth/password',
    body: { currentPassword: PASSWORD, newPassword: PASSWORD },
    ...(person && { token: person.token }),
  }),
  'POST /api/auth/logout': async (person) => {
    const login = await another(person)
    return { path: '/api/auth/logout', ...(login && { token: login.token }) }
  },
  'DELETE /api/auth/logins/:loginId': async () => ({ path: `/api/auth/logins/${await ownersLogin(world)}` }),
  'POST /api/invites': () => ({ path: '/api/invites', body: {} }),
  'DELETE /api/invites/:inviteId': async () => {
    const options = { token: world.people.admin.token, body: {} }
    const { body } = await call(world.gateway.url, 'POST /api/invites', options)
    return { path: `/api/invites/${body.id}` }
  },
  'POST /api/tokens': () => ({ path: '/api/tokens', body: { name: 'matrix' } }),
  'DELETE /api/tokens/:tokenId': async () => {
    const options = { token: world.people.owner.token, body: { name: 'matrix' } }
    const { body } = await call(world.gateway.url, 'POST /api/tokens', options)
    return { path: `/api/tokens/${body.id}` }
  },
  'POST /api/access-rules': () => ({ path: '/api/access-rules', body: newRule() }),
  'GET /api/access-rules/:ruleId': async () => ({
    path: `/api/access-rules/${await made('/api/access-rules', newRule())}`,
  }),
  'PATCH /api/access-rules/:ruleId': async () => ({
    path: `/api/access-rules/${await made('/api/access-rules', newRule())}`,
    body: { verbs: ['exec'] },
  }),
  'DELETE /api/access-rules/:ruleId': async () => ({
    path: `/api/access-rules/${await made('/api/access-rules', newRule())}`,
  }),
  'POST /api/access-rules/explain': async () => ({
    path: '/api/access-rules/explain',
    body: {
      userId: world.people.owner.user.id,
      targetId: await made('/api/targets', newTarget()),
      verb: 'exec',
    },
  }),
  'POST /api/credentials': () => ({ path: '/api/credentials', body: newCredential() }),
  'GET /api/credentials/:credentialId': async () => ({ path: `/api/credentials/${await storeCredential()}` }),
  'PATCH /api/credentials/:credentialId': async () => ({
    path: `/api/credentials/${await storeCredential()}`,
    body: { password: 'another secret' },
  }),
  'DELETE /api/credentials/:credentialId': async () => ({
    path: `/api/credentials/${await storeCredential()}`,
  }),
  'POST /api/targets': () => ({ path: '/api/targets', body: newTarget() }),
  'POST /api/targets/import': () => ({ path: '/api/targets/import', body: importOfOne() }),
  'GET /api/targets/:targetId': async () => ({ path: await addTarget() }),
  'PATCH /api/targets/:targetId': async () => ({ path: await addTarget(), body: { tags: ['matrix'] } }),
  'DELETE /api/targets/:targetId': async () => ({ path: await addTarget() }),
  'POST /api/host-keys': () => ({ path: '/api/host-keys', body: newHostKey() }),
  'POST /api/host-keys/probe': () => ({ path: '/api/host-keys/probe', body: placeOfTarget() }),
  'POST /api/host-keys/import': () => ({ path: '/api/host-keys/import', body: { text: '# nothing' } }),
  'POST /api/host-keys/retrust': () => ({
    path: '/api/host-keys/retrust',
    body: { selector: 'nobody', dryRun: true },
  }),
  'GET /api/host-keys/:hostKeyId': async () => ({ path: await ownersHostKey() }),
  'PATCH /api/host-keys/:hostKeyId': async () => ({
    path: await ownersHostKey(),
    body: { mark: 'revoked', reason: 'matrix' },
  }),
  'DELETE /api/host-keys/:hostKeyId': async () => ({ path: await ownersHostKey() }),
  'POST /api/users': () => ({ path: '/api/users', body: newUser() }),
  'GET /api/users/:userId': () => ({ path: `/api/users/${world.people.owner.user.id}` }),
  'PATCH /api/users/:userId': () => ({
    path: `/api/users/${world.people.owner.user.id}`,
    body: { role: 'operator' },
  }),
  'POST /api/sessions': () => ({ path: '/api/sessions', body: loginTo(world.target) }),
  'GET /api/sessions/:sessionId': () => ({ path: `/api/sessions/${world.sessionId}` }),
  'POST /api/sessions/:sessionId/execute': () => ({
    path: `/api/sessions/${world.sessionId}/execute`,
    body: { command: 'true' },
  }),
  'GET /api/sessions/:sessionId/commands': () => ({ path: `/api/sessions/${world.sessionId}/commands` }),
  'DELETE /api/sessions/:sessionId': async () => ({
    path: `/api/sessions/${await world.openSession()}`,
  }),
  'GET /api/commands/:commandId': () => ({ path: `/api/commands/${world.commandId}` }),
  'POST /api/commands/:commandId/cancel': () => ({ path: `/api/commands/${world.commandId}/cancel` }),
  'POST /api/sessions/:sessionId/shells': async () => ({
    path: `/api/sessions/${await world.openSession()}/shells`,
    body: {},
  }),
  'GET /api/sessions/:sessionId/channels': () => ({ path: `/api/sessions/${world.sessionId}/channels` }),
  'GET /api/channels/:channelId': async () => ({ path: `/api/channels/${await world.openShell()}` }),
  'POST /api/channels/:channelId/input': async () => ({
    path: `/api/channels/${await world.openShell()}/input`,
    body: { data: 'x' },
  }),
  'POST /api/channels/:channelId/resize': async () => ({
    path: `/api/channels/${await world.openShell()}/resize`,
    body: { columns: 80, rows: 24 },
  }),
  'POST /api/channels/:channelId/signal': async () => ({
    path: `/api/channels/${await world.openShell()}/signal`,
    body: { signal: 'INT' },
  }),
  'POST /api/channels/:channelId/take-over': async () => ({
    path: `/api/channels/${await world.openShell()}/take-over`,
  }),
  'DELETE /api/channels/:channelId': async () => ({ path: `/api/channels/${await world.openShell()}` }),
  'GET /api/recordings/:recordingId': () => ({ path: `/api/recordings/${world.recordingId}` }),
  'GET /api/recordings/:recordingId/download': () => ({
    path: `/api/recordings/${world.recordingId}/download`,
  }),
  'POST /api/recordings/:recordingId/tickets': () => ({
    path: `/api/recordings/${world.recordingId}/tickets`,
  }),
  'DELETE /api/recordings/:recordingId': async () => ({
    path: `/api/recordings/${await world.recordOne()}`,
  }),
}

async function ask(route: string, caller: Caller): Promise<number> {
  const [method = '', url = ''] = route.split(' ')
  const person = caller === 'anonymous' ? undefined : world.people[caller]
  const prepared = await (calls[route]?.(person) ?? { path: url })
  const token = prepared.token ?? person?.token
  const response = await fetch(world.gateway.url + prepared.path, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(prepared.body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(prepared.body !== undefined && { body: JSON.stringify(prepared.body) }),
  })
  await response.arrayBuffer()
  return response.status
}

test('every route of the live router has a row, and every row a route', async () => {
  const live: string[] = []
  const app = Fastify()
  app.addHook('onRoute', ({ method, url }) => {
    live.push(...[method].flat().map((one) => `${one} ${url}`))
  })
  const { config } = world.gateway
  await app.register(krownPlugin, { krown: fakeKrown(), config, logger: pino({ level: 'silent' }) })
  await app.ready()
  await app.close()
  // HEAD comes with each GET and runs the same handler; the procedures behind tRPC have a table of their own.
  const routes = live.filter((route) => !route.startsWith('HEAD ') && !route.includes(' /trpc/'))
  expect(routes.sort()).toEqual(Object.keys(permissionMatrix).sort())
})

describe.each(CALLERS)('B01 B03: %s', (caller) => {
  const column = CALLERS.indexOf(caller)
  test.each(Object.entries(permissionMatrix).map(([route, row]) => [route, row[column]] as const))(
    '%s is %i',
    async (route, status) => {
      expect(await ask(route, caller)).toBe(status)
    },
  )
})

test('B01: who may open no session reaches no target', async () => {
  const before = world.target.connectionCount
  for (const caller of ['anonymous', 'readonly', 'auditor'] as const) await ask('POST /api/sessions', caller)
  expect(world.target.connectionCount).toBe(before)
})

test('B03: a refused command reaches no target', async () => {
  const before = world.target.execs.length
  for (const caller of ['anonymous', 'readonly', 'otherOperator', 'auditor', 'foreignAdmin'] as const) {
    await ask('POST /api/sessions/:sessionId/execute', caller)
  }
  expect(world.target.execs).toHaveLength(before)
})

test('B03 B04: what is not yours is refused like what never was', async () => {
  const { people, sessionId, commandId, gateway } = world
  const channelId = await world.openShell()
  const absent = randomUUID()
  const places = [
    ['GET /api/sessions/', sessionId, ''],
    ['GET /api/sessions/', sessionId, '/commands'],
    ['DELETE /api/sessions/', sessionId, ''],
    ['GET /api/commands/', commandId, ''],
    ['POST /api/commands/', commandId, '/cancel'],
    ['GET /api/sessions/', sessionId, '/channels'],
    ['GET /api/channels/', channelId, ''],
    ['DELETE /api/channels/', channelId, ''],
    ['POST /api/channels/', channelId, '/take-over'],
    ['GET /api/recordings/', world.recordingId, ''],
    ['GET /api/recordings/', world.recordingId, '/download'],
    ['POST /api/recordings/', world.recordingId, '/tickets'],
    ['GET /api/users/', people.owner.user.id, ''],
  ] as const
  for (const { token } of [people.otherOperator, people.foreignAdmin]) {
    for (const [before, id, after] of places) {
      const bodyOf = async (asked: string) => {
        const { body, status } = await call(gateway.url, `${before}${asked}${after}`, { token })
        return { ...body, status, requestId: '' }
      }
      expect(await bodyOf(id)).toEqual(await bodyOf(absent))
    }
  }
})

test('B03 B04: lists show what one may see, and nothing else', async () => {
  const { people, sessionId, gateway } = world
  const owned = async (caller: Exclude<Caller, 'anonymous'>, path: string) => {
    const { body } = await call<{ items: Record<string, unknown>[] }>(gateway.url, `GET ${path}?limit=200`, {
      token: people[caller].token,
    })
    return body.items
  }
  for (const caller of ['owner', 'admin', 'auditor'] as const) {
    const sessions = await owned(caller, '/api/sessions')
    expect(sessions.map(({ id }) => id)).toContain(sessionId)
  }
  for (const caller of ['readonly', 'otherOperator', 'foreignAdmin'] as const) {
    const { id } = people[caller].user
    for (const path of ['/api/sessions', '/api/commands', '/api/recordings']) {
      for (const item of await owned(caller, path)) expect(item.userId).toBe(id)
    }
  }
  for (const path of ['/api/users', '/api/journal']) {
    for (const item of await owned('foreignAdmin', path))
      expect(item.orgId).toBe(people.foreignAdmin.user.orgId)
  }
})
