import type { Invite, NewInvite, OwnLogin, User } from '@krown/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/call.js'
import { type Gateway, PASSWORD, type Person, startGateway } from '../support/gateway.js'
import { connectTrpc } from '../support/trpc.js'

let gateway: Gateway
let admin: Person
beforeAll(async () => {
  gateway = await startGateway({ config: { auth: { registration: 'invite' } } })
  admin = await gateway.admin()
})
afterAll(() => gateway[Symbol.asyncDispose]())

interface PageOf<Item> {
  readonly items: Item[]
}

const register = (body: object) =>
  call<User>(gateway.url, 'POST /api/auth/register', { body: { password: PASSWORD, ...body } })

describe('an invite', () => {
  test('makes whoever registers with it what it says, once, and is told once', async () => {
    const { token } = admin
    const body = { role: 'operator', note: 'for Grace' }
    const made = await call<NewInvite>(gateway.url, 'POST /api/invites', { token, body })
    expect(made).toMatchObject({ status: 201, body: { role: 'operator', note: 'for Grace', usedAt: null } })
    expect((await register({ username: 'grace' })).status).toBe(403)
    const inviteToken = made.body.token
    const grace = await register({ username: 'grace', inviteToken })
    expect(grace).toMatchObject({ status: 201, body: { username: 'grace', role: 'operator' } })
    expect((await register({ username: 'mallory', inviteToken })).status).toBe(403)
    const { body: list } = await call<PageOf<Invite>>(gateway.url, 'GET /api/invites', { token })
    const listed = list.items.find(({ id }) => id === made.body.id)
    expect(listed).toMatchObject({ usedBy: grace.body.id })
    expect(JSON.stringify(list)).not.toContain(inviteToken)
  })

  test('that was revoked is refused, and revoking one that was used is a conflict', async () => {
    const { token } = admin
    const make = async () =>
      (await call<NewInvite>(gateway.url, 'POST /api/invites', { token, body: {} })).body
    const [revoked, used] = [await make(), await make()]
    const revoke = ({ id }: Invite) => call<Invite>(gateway.url, `DELETE /api/invites/${id}`, { token })
    expect(await revoke(revoked)).toMatchObject({ status: 200, body: { revokedAt: expect.any(String) } })
    expect((await register({ username: 'late', inviteToken: revoked.token })).status).toBe(403)
    expect((await register({ username: 'early', inviteToken: used.token })).status).toBe(201)
    expect((await revoke(used)).status).toBe(409)
  })
})

test('somebody sees where they are signed in, and signs out elsewhere', async () => {
  const { user, ...here } = await gateway.person('readonly')
  const there = await gateway.signIn(user.username)
  const list = async () =>
    (await call<PageOf<OwnLogin>>(gateway.url, 'GET /api/auth/logins', here)).body.items
  const logins = await list()
  expect(logins.map(({ current }) => current)).toEqual([false, true])
  const [elsewhere] = logins
  const end = () => call(gateway.url, `DELETE /api/auth/logins/${elsewhere?.id}`, here)
  expect((await end()).status).toBe(204)
  expect((await end()).status).toBe(204)
  expect((await call(gateway.url, 'GET /api/auth/me', { token: there.token })).status).toBe(401)
  const refresh = { body: { refreshToken: there.refreshToken } }
  expect((await call(gateway.url, 'POST /api/auth/refresh', refresh)).status).toBe(401)
  expect(await list()).toMatchObject([{ current: true }])
})

describe('B02: the audit scope', () => {
  test('is set only by an instance admin, through every door', async () => {
    const plain = await gateway.person('admin')
    const { user } = await gateway.person('operator')
    const rest = (token: string) =>
      call(gateway.url, `PATCH /api/users/${user.id}`, { token, body: { auditScope: 'org' } })
    const trpc = (token: string) =>
      call(gateway.url, 'POST /trpc/users.update', { token, body: { userId: user.id, auditScope: 'org' } })
    const overSocket = async (token: string) => {
      await using socket = connectTrpc(gateway.url, () => token)
      return await socket.client.users.update.mutate({ userId: user.id, auditScope: 'org' })
    }
    expect([(await rest(plain.token)).status, (await trpc(plain.token)).status]).toEqual([403, 403])
    await expect(overSocket(plain.token)).rejects.toThrow('only an instance admin sets the audit scope')
    const itself = `PATCH /api/users/${plain.user.id}`
    const own = await call(gateway.url, itself, { token: plain.token, body: { auditScope: 'org' } })
    expect(own.status).toBe(403)
    expect((await rest(admin.token)).status).toBe(200)
  })

  test('is nothing that somebody is made or invited with', async () => {
    const { token } = admin
    const create = { username: 'scoped', password: PASSWORD, auditScope: 'org' }
    expect((await call(gateway.url, 'POST /api/users', { token, body: create })).status).toBe(400)
    const invite = { role: 'readonly', auditScope: 'org' }
    expect((await call(gateway.url, 'POST /api/invites', { token, body: invite })).status).toBe(400)
    expect((await register({ username: 'scoped', auditScope: 'org' })).status).toBe(400)
  })
})
