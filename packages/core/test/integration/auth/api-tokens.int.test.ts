import { expect, test } from 'vitest'
import { apiTokenFormat } from '../../../src/auth/tokens/api-token-format.js'
import { newTokenSecret } from '../../../src/auth/tokens/secret-token.js'
import { newId } from '../../../src/base/ids.js'
import { tokensApi } from '../../../src/client/tokens-api.js'
import type { Actor, ApiTokenActor } from '../../../src/model/actor.js'
import type { CreateApiTokenInput } from '../../../src/model/api-token.js'
import type { ApiTokenId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { codeOf, DAY, fixtureOpener, type IdentityFixture, origin, PASSWORD } from './identity-fixture.js'

const MINUTE = 60_000

describeOnBothDatabases('API tokens', (openTestDatabase) => {
  const { open, openTwo } = fixtureOpener(openTestDatabase)
  const create = (fixture: IdentityFixture, actor: Actor, input: Partial<CreateApiTokenInput> = {}) =>
    tokensApi(fixture.identity, actor).create({ name: 'ci', ...input })
  const authenticate = (fixture: IdentityFixture, token: string) => fixture.auth.authenticate(token, origin())
  async function use(fixture: IdentityFixture, token: string): Promise<ApiTokenActor> {
    const actor = await authenticate(fixture, token)
    if (actor.kind !== 'api_token') throw new Error('not an API token')
    return actor
  }
  const storedUse = (fixture: IdentityFixture) =>
    fixture.db.selectFrom('api_tokens').select('last_used_at').executeTakeFirstOrThrow()

  test('is told once, stands for its owner, and is in the journal by name and id', async () => {
    await using fixture = await open()
    const { actor, user } = await fixture.member('op', 'operator')
    const { token, ...made } = await create(fixture, actor, { scopes: ['session:read', 'session:open'] })
    expect(made).toEqual({
      id: expect.any(String),
      orgId: user.orgId,
      userId: user.id,
      name: 'ci',
      scopes: ['session:open', 'session:read'],
      createdAt: '2026-01-01T00:00:00.000Z',
      expiresAt: '2026-04-01T00:00:00.000Z',
      lastUsedAt: null,
      revokedAt: null,
    })
    expect((await fixture.identity.tokens.list(actor)).items).toEqual([made])
    expect(await use(fixture, token)).toEqual({
      kind: 'api_token',
      tokenId: made.id,
      userId: user.id,
      orgId: user.orgId,
      username: 'op',
      expiresAt: Date.parse(made.expiresAt ?? ''),
      ...origin(),
      userAgent: undefined,
    })
    expect(await fixture.entries('token.created')).toMatchObject([
      {
        outcome: 'success',
        actorUserId: user.id,
        resourceId: made.id,
        facts: { scopes: made.scopes, expiresAt: made.expiresAt },
        details: { token: 'ci', username: 'op' },
      },
    ])
  })

  test('the database and the journal hold nothing to make the token from', async () => {
    await using fixture = await open()
    const { actor } = await fixture.member('op', 'operator')
    const { token } = await create(fixture, actor)
    const secret = token.split('_')[3] ?? ''
    const rows = await fixture.db.selectFrom('api_tokens').selectAll().execute()
    const entries = await fixture.db.selectFrom('journal_entries').selectAll().execute()
    expect(secret).toHaveLength(43)
    expect(JSON.stringify([rows, entries])).not.toContain(secret)
    expect(rows[0]?.secret_hash).toMatch(/^[0-9a-f]{64}$/)
  })

  test('A30: unknown, of another secret, expired or revoked it is refused like any bad token', async () => {
    await using fixture = await open()
    const { actor } = await fixture.member('op', 'operator')
    const short = await create(fixture, actor, { expiresAt: '2026-01-01T00:01:00.000Z' })
    const revoked = await create(fixture, actor)
    const forever = await create(fixture, actor, { expiresAt: null })
    await fixture.identity.tokens.revoke(actor, revoked.id)
    fixture.clock.advance(MINUTE)
    const secret = newTokenSecret()
    const bad = [
      'not.a.token',
      short.token,
      revoked.token,
      apiTokenFormat.format({ id: newId<ApiTokenId>(), secret }),
      apiTokenFormat.format({ id: forever.id, secret }),
    ]
    const refusals = await Promise.all(
      bad.map((token) => authenticate(fixture, token).catch(({ code, message }) => ({ code, message }))),
    )
    expect(new Set(refusals.map((refusal) => JSON.stringify(refusal)))).toEqual(
      new Set([JSON.stringify({ code: 'UNAUTHENTICATED', message: 'sign in again' })]),
    )
    fixture.clock.advance(1_000 * DAY)
    expect(await codeOf(authenticate(fixture, forever.token))).toBe('OK')
  })

  test('A30: revoked or expired, what came with it before is refused as well', async () => {
    const { fixture, another } = await openTwo()
    await using _ = fixture
    const { actor } = await fixture.member('op', 'operator')
    const { id, token } = await create(fixture, actor)
    const short = await create(fixture, actor, { expiresAt: '2026-01-01T00:01:00.000Z' })
    const other = await another()
    const here = await use(fixture, token)
    const there = await use(other, token)
    const soonOver = await use(fixture, short.token)
    const revoked = await fixture.identity.tokens.revoke(actor, id)
    expect(revoked.revokedAt).toBe('2026-01-01T00:00:00.000Z')
    expect(await codeOf(fixture.auth.me(here))).toBe('UNAUTHENTICATED')
    expect(await fixture.identity.subjects.isStillGood(here)).toBe(false)
    fixture.clock.advance(2_000)
    expect(await codeOf(other.auth.me(there))).toBe('UNAUTHENTICATED')
    expect(await codeOf(authenticate(other, token))).toBe('UNAUTHENTICATED')
    expect(await codeOf(fixture.auth.me(soonOver))).toBe('OK')
    fixture.clock.advance(MINUTE)
    expect(await codeOf(fixture.auth.me(soonOver))).toBe('UNAUTHENTICATED')
  })

  test('A30: a demotion of the owner counts at once, and so does being disabled and enabled', async () => {
    await using fixture = await open()
    const admin = await fixture.admin()
    const member = await fixture.member('second', 'admin')
    const { token } = await create(fixture, member.actor)
    const actor = await use(fixture, token)
    expect(await codeOf(fixture.users.list(actor))).toBe('OK')
    await fixture.users.update(admin.actor, member.user.id, { role: 'operator' })
    expect(await codeOf(fixture.users.list(actor))).toBe('FORBIDDEN')
    await fixture.users.update(admin.actor, member.user.id, { disabled: true })
    expect(await codeOf(fixture.auth.me(actor))).toBe('UNAUTHENTICATED')
    expect(await codeOf(authenticate(fixture, token))).toBe('UNAUTHENTICATED')
    await fixture.users.update(admin.actor, member.user.id, { disabled: false })
    expect(await codeOf(authenticate(fixture, token))).toBe('OK')
  })

  test('A30: it makes and ends no tokens, ends no login and changes no password', async () => {
    await using fixture = await open()
    const { actor } = await fixture.admin()
    const { id, token } = await create(fixture, actor)
    const program = await use(fixture, token)
    const { tokens } = fixture.identity
    const newPassword = { currentPassword: PASSWORD, newPassword: 'another fine password' }
    const calls = [
      tokens.create(program, { name: 'more' }),
      tokens.list(program),
      tokens.revoke(program, id),
      fixture.auth.logout(program),
      fixture.auth.changePassword(program, newPassword),
    ]
    for (const call of calls) expect(await codeOf(call)).toBe('FORBIDDEN')
    expect(await codeOf(fixture.auth.me(program))).toBe('OK')
    expect(await codeOf(fixture.auth.me(actor))).toBe('OK')
    const rows = await fixture.db.selectFrom('journal_entries').select('text').execute()
    const denied = rows.map(({ text }) => JSON.parse(text)).filter(({ action }) => action === 'access.denied')
    expect(denied).toHaveLength(calls.length)
    expect(denied[0].actor).toEqual({ kind: 'api_token', tokenId: id, userId: actor.userId })
  })

  test('A30: it makes nobody an admin or an auditor, whatever its scopes and whoever its owner', async () => {
    await using fixture = await open()
    const { actor } = await fixture.admin()
    const { user: former } = await fixture.member('former', 'admin')
    await fixture.users.update(actor, former.id, { disabled: true })
    const { user } = await fixture.member('op', 'operator')
    const { token } = await create(fixture, actor)
    const program = await use(fixture, token)
    const { users, identity } = fixture
    const named = (username: string) => ({ username, password: PASSWORD })
    const attempts = [
      () => users.create(program, { ...named('ally'), role: 'admin' }),
      () => users.update(program, user.id, { role: 'admin' }),
      () => users.update(program, former.id, { disabled: false }),
      () => users.update(program, user.id, { auditScope: 'org' }),
      () => identity.invites.create(program, { role: 'admin' }),
    ]
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'FORBIDDEN',
        message: 'an API token makes nobody an admin or an auditor: sign in',
      })
    }
    expect(await fixture.entries('access.denied')).toHaveLength(attempts.length)
    expect(await users.get(actor, user.id)).toMatchObject({ role: 'operator', auditScope: 'own' })
    expect(await users.get(actor, former.id)).toMatchObject({ disabled: true })
  })

  test('A30: with user:manage it makes operators, invites them, and takes rights away', async () => {
    await using fixture = await open()
    const { actor } = await fixture.admin()
    const { user } = await fixture.member('second', 'admin')
    await fixture.users.update(actor, user.id, { auditScope: 'org' })
    const { token } = await create(fixture, actor, { scopes: ['user:manage'] })
    const program = await use(fixture, token)
    const { users, identity } = fixture
    expect(
      await users.create(program, { username: 'op', password: PASSWORD, role: 'operator' }),
    ).toMatchObject({
      role: 'operator',
    })
    expect(await identity.invites.create(program, { role: 'operator' })).toMatchObject({ role: 'operator' })
    expect(await users.update(program, user.id, { auditScope: 'own' })).toMatchObject({ role: 'admin' })
    expect(await users.update(program, user.id, { role: 'operator' })).toMatchObject({ role: 'operator' })
  })

  test('A29: with a wrong checksum the database is not asked', async () => {
    await using fixture = await open()
    const { actor } = await fixture.member('op', 'operator')
    const { token } = await create(fixture, actor)
    const last = token.at(-1) === 'a' ? 'b' : 'a'
    await fixture.db.schema.dropTable('api_tokens').execute()
    expect(await codeOf(authenticate(fixture, token.slice(0, -1) + last))).toBe('UNAUTHENTICATED')
    await expect(authenticate(fixture, token)).rejects.toThrow(/api_tokens/)
  })

  test('when it was used is known to the minute', async () => {
    await using fixture = await open()
    const { actor } = await fixture.member('op', 'operator')
    const { token } = await create(fixture, actor)
    const start = fixture.clock.now()
    await Promise.all(Array.from({ length: 10 }, () => authenticate(fixture, token)))
    expect(await storedUse(fixture)).toEqual({ last_used_at: start })
    fixture.clock.advance(MINUTE - 1)
    await authenticate(fixture, token)
    expect(await storedUse(fixture)).toEqual({ last_used_at: start })
    fixture.clock.advance(1)
    await authenticate(fixture, token)
    expect(await storedUse(fixture)).toEqual({ last_used_at: start + MINUTE })
    const [listed] = (await fixture.identity.tokens.list(actor)).items
    expect(listed?.lastUsedAt).toBe(new Date(start + MINUTE).toISOString())
  })

  test("B03 B04: nobody sees or revokes another's, an admin neither", async () => {
    await using fixture = await open()
    const admin = await fixture.admin()
    const { actor } = await fixture.member('op', 'operator')
    const { id, token } = await create(fixture, actor)
    const { tokens } = fixture.identity
    expect((await tokens.list(admin.actor)).items).toEqual([])
    const foreign = await tokens.revoke(admin.actor, id).catch(({ code, message }) => ({ code, message }))
    const absent = await tokens
      .revoke(admin.actor, newId<ApiTokenId>())
      .catch(({ code, message }) => ({ code, message }))
    expect(foreign).toEqual({ code: 'NOT_FOUND', message: 'API token not found' })
    expect(absent).toEqual(foreign)
    expect(await codeOf(authenticate(fixture, token))).toBe('OK')
  })

  test('revoking twice changes nothing and is journaled once', async () => {
    await using fixture = await open()
    const { actor } = await fixture.member('op', 'operator')
    const { id } = await create(fixture, actor, { name: 'old laptop' })
    const first = await fixture.identity.tokens.revoke(actor, id)
    fixture.clock.advance(MINUTE)
    expect(await fixture.identity.tokens.revoke(actor, id)).toEqual(first)
    expect(await fixture.entries('token.revoked')).toMatchObject([
      { resourceId: id, outcome: 'success', details: { token: 'old laptop' } },
    ])
  })

  test('of many that are made at once a user gets 50, and a revoked one makes room', async () => {
    await using fixture = await open()
    const { actor } = await fixture.member('op', 'operator')
    const codes = await Promise.all(Array.from({ length: 60 }, () => codeOf(create(fixture, actor))))
    expect(codes.filter((code) => code === 'OK')).toHaveLength(50)
    expect(new Set(codes)).toEqual(new Set(['OK', 'QUOTA_EXCEEDED']))
    const [one] = (await fixture.identity.tokens.list(actor)).items
    if (one) await fixture.identity.tokens.revoke(actor, one.id)
    expect(await codeOf(create(fixture, actor))).toBe('OK')
    await expect(create(fixture, actor)).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
      details: { limit: 50 },
    })
  })

  test('its name, scopes and expiry are checked', async () => {
    await using fixture = await open()
    const { actor } = await fixture.member('op', 'operator')
    const refused = [
      { name: '' },
      { name: 'x'.repeat(101) },
      { name: 'two\nlines' },
      { scopes: [] },
      { scopes: ['self:manage'] },
      { scopes: ['token:manage'] },
      { scopes: ['everything'] },
      { expiresAt: '2026-01-01T00:00:00.000Z' },
      { expiresAt: '2025-12-31T23:59:59Z' },
      { expiresAt: 'tomorrow' },
      { expiresAt: '2027-01-01' },
      { role: 'admin' },
    ]
    for (const input of refused) {
      expect([input, await codeOf(create(fixture, actor, input as object))]).toEqual([
        input,
        'VALIDATION_FAILED',
      ])
    }
    const { expiresAt } = await create(fixture, actor, { expiresAt: '2026-06-01T02:00:00+02:00' })
    expect(expiresAt).toBe('2026-06-01T00:00:00.000Z')
  })

  test('somebody on the machine makes one for a user who is there and not disabled', async () => {
    await using fixture = await open()
    const admin = await fixture.admin()
    const member = await fixture.member('op', 'operator')
    const { token, id } = await fixture.identity.createToken({ username: 'OP', name: 'backup' })
    expect(await use(fixture, token)).toMatchObject({ userId: member.user.id, username: 'op' })
    expect(await fixture.entries('token.created')).toMatchObject([
      { resourceId: id, details: { token: 'backup', user: 'op', username: 'system' } },
    ])
    const ask = (username: string) => codeOf(fixture.identity.createToken({ username, name: 'x' }))
    expect(await ask('nobody')).toBe('NOT_FOUND')
    await fixture.users.update(admin.actor, member.user.id, { disabled: true })
    expect(await ask('op')).toBe('CONFLICT')
  })

  test('Krown itself has none', async () => {
    await using fixture = await open()
    expect(await codeOf(create(fixture, fixture.identity.home.system))).toBe('FORBIDDEN')
  })
})
