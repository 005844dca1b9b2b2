import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { appRouter } from '../../src/trpc/app-router.js'
import { permissionMatrix } from '../permission-matrix.table.js'
import { call } from '../support/call.js'
import { type MatrixWorld, startMatrixWorld } from '../support/matrix-world.js'
import { RawSocket } from '../support/raw-socket.js'

let world: MatrixWorld
beforeAll(async () => {
  world = await startMatrixWorld({ requestsPerActor: 10_000 })
})
afterAll(() => world[Symbol.asyncDispose]())

/** Takes no input whatever; a query there is of no account. */
const TAKES_NOTHING = ['GET /api/auth/me', 'GET /api/system/info', 'POST /api/auth/logout']

const routes = Object.keys(permissionMatrix).filter(
  (route) => route.includes(' /api/') && !TAKES_NOTHING.includes(route),
)

interface Procedure {
  readonly type: 'query' | 'mutation' | 'subscription'
  readonly inputs: readonly unknown[]
}

const procedures = Object.entries(
  appRouter._def.procedures as unknown as Record<string, { _def: Procedure }>,
).map(
  ([
    name,
    {
      _def: { type, inputs },
    },
  ]) => ({ name, type, inputs }),
)

/** What the schema finds wrong: a subscription answers only on a WebSocket. */
const problemsOf = (schema: unknown, input: unknown) =>
  JSON.stringify((schema as z.ZodType).safeParse(input).error?.issues)

/** The fields that an answer finds wrong. */
function wrongFields(body: Record<string, unknown>): string[] {
  const { fields = [] } = (body.details ?? {}) as { fields?: { path: string }[] }
  return fields.map(({ path }) => path)
}

describe('B06: another organization that a request names', () => {
  test.each(routes)('is no field of %s', async (route) => {
    const { people, gateway } = world
    const { orgId } = people.foreignAdmin.user
    const [method = '', path = ''] = route.split(' ')
    const place = path.replaceAll(/:\w+/g, () => randomUUID())
    const inQuery = method === 'GET' || method === 'DELETE'
    const line = `${method} ${place}${inQuery ? `?orgId=${orgId}` : ''}`
    const { token } = people.admin
    const answer = await call(gateway.url, line, { token, ...(!inQuery && { body: { orgId } }) })
    expect([answer.status, wrongFields(answer.body)]).toEqual([400, expect.arrayContaining(['orgId'])])
  })

  test('is no field of any procedure either', async () => {
    const { people, gateway } = world
    const { orgId } = people.foreignAdmin.user
    const accepted: string[] = []
    for (const { name, type, inputs } of procedures) {
      if (inputs.length === 0) continue
      if (type === 'subscription') {
        expect([name, problemsOf(inputs[0], { orgId })]).toEqual([name, expect.stringContaining('"orgId"')])
        continue
      }
      const inQuery = type === 'query'
      const query = inQuery ? `?input=${encodeURIComponent(JSON.stringify({ orgId }))}` : ''
      const line = `${inQuery ? 'GET' : 'POST'} /trpc/${name}${query}`
      const options = { token: people.admin.token, ...(!inQuery && { body: { orgId } }) }
      const { body } = await call(gateway.url, line, options)
      if (!JSON.stringify(body).includes('"orgId"')) accepted.push(`${name}: ${JSON.stringify(body)}`)
    }
    expect(accepted).toEqual([])
  })

  test('is of no account in a header or beside the fields of a WebSocket message', async () => {
    const { people, gateway } = world
    const { orgId } = people.foreignAdmin.user
    const options = { token: people.admin.token }
    const plain = await call(gateway.url, 'GET /api/users', options)
    const headers = { 'x-org-id': orgId, 'x-organization': orgId, 'x-krown-org': orgId }
    const named = await call(gateway.url, 'GET /api/users', { ...options, headers })
    expect(named.body).toEqual(plain.body)

    await using socket = await RawSocket.connect(gateway.url, '/ws')
    socket.send({ type: 'authenticate', token: people.foreignAdmin.token, protocol: 1 })
    await socket.until(({ type }) => type === 'authenticated')
    const { orgId: theirs } = people.owner.user
    socket.send({ type: 'subscribe_session', sessionId: world.sessionId, orgId: theirs, id: 1 })
    expect(await socket.until(({ id }) => id === 1)).toMatchObject({ type: 'error' })
  })
})
