import { expect, test } from 'vitest'
import type { RegisterInput } from '../../../src/model/user.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import {
  codeOf,
  fixtureOpener,
  type IdentityFixture,
  origin,
  PASSWORD,
  SETUP_TOKEN,
} from './identity-fixture.js'

const admins = async ({ db }: IdentityFixture) =>
  (await db.selectFrom('users').select('username').where('is_instance_admin', '=', 1).execute()).length

describeOnBothDatabases('registration', (openTestDatabase) => {
  const { open, openTwo } = fixtureOpener(openTestDatabase)
  const register = (fixture: IdentityFixture, input: Partial<RegisterInput>, from = origin(null)) =>
    fixture.auth.register({ username: 'ada', password: PASSWORD, ...input }, from)

  test('whoever registers is a readonly user, in lower case, and journaled', async () => {
    await using fixture = await open()
    const user = await register(fixture, { username: 'Ada.L', email: 'ada@example.com' })
    expect(user).toMatchObject({
      orgId: fixture.orgId,
      username: 'ada.l',
      email: 'ada@example.com',
      role: 'readonly',
      auditScope: 'own',
      disabled: false,
      lastLoginAt: null,
    })
    expect(await fixture.entries('user.registered')).toMatchObject([
      { actorUserId: user.id, resourceId: user.id, details: { username: 'ada.l' } },
    ])
    expect(await fixture.identity.setupRequired()).toBe(true)
  })

  test('the right setup token makes the admin of organization and instance', async () => {
    await using fixture = await open()
    const user = await register(fixture, { setupToken: SETUP_TOKEN })
    expect(user.role).toBe('admin')
    expect(await admins(fixture)).toBe(1)
    expect(await fixture.identity.setupRequired()).toBe(false)
    expect(await fixture.entries('instance.set_up')).toMatchObject([
      { outcome: 'success', actorUserId: user.id },
    ])
  })

  test('A27: after set-up whoever brings a token is told so, and becomes nobody', async () => {
    await using fixture = await open()
    await fixture.setUp()
    expect(await codeOf(register(fixture, { setupToken: SETUP_TOKEN }))).toBe('CONFLICT')
    expect(await codeOf(register(fixture, { username: 'bob', setupToken: 'wrong' }))).toBe('CONFLICT')
    expect(await admins(fixture)).toBe(1)
  })

  test('A27: of 50 who set up at once, over several processes and ways, one becomes admin', async () => {
    const { fixture, another } = await openTwo()
    await using _ = fixture
    const other = await another()
    const codes = await Promise.all(
      Array.from({ length: 50 }, (_, i) => {
        const at = i % 2 ? fixture : other
        const input = { username: `admin${i}`, password: PASSWORD }
        if (i % 10 === 0) return codeOf(at.identity.createFirstAdmin(input))
        return codeOf(register(at, { ...input, setupToken: SETUP_TOKEN }, origin('192.0.2.7')))
      }),
    )
    expect(codes.filter((code) => code === 'OK')).toHaveLength(1)
    expect(codes.filter((code) => code === 'CONFLICT')).toHaveLength(49)
    expect(await admins(fixture)).toBe(1)
    const people = await fixture.db.selectFrom('memberships').select('role').execute()
    // The admin and the system.
    expect(people).toHaveLength(2)
    const restarted = await another()
    const late = { username: 'late', password: PASSWORD }
    expect(await codeOf(restarted.identity.createFirstAdmin(late))).toBe('CONFLICT')
  })

  test('A27: an invite makes nobody admin of the instance, also of those who come at once with the setup token', async () => {
    const { fixture, another } = await openTwo({ auth: { registration: 'invite' } })
    await using _ = fixture
    const other = await another()
    const { system } = fixture.identity.home
    const invited = async (i: number, input: Partial<RegisterInput>) => {
      const { token } = await fixture.identity.invites.create(system, { role: 'admin' })
      return register(i % 2 ? fixture : other, { username: `user${i}`, inviteToken: token, ...input })
    }
    const codes = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        codeOf(invited(i, i % 5 === 0 ? {} : { setupToken: i % 5 === 1 ? 'wrong' : SETUP_TOKEN })),
      ),
    )
    const withTheToken = codes.filter((_, i) => i % 5 > 1)
    expect(withTheToken.filter((code) => code === 'OK')).toHaveLength(1)
    expect(withTheToken.filter((code) => code === 'CONFLICT')).toHaveLength(29)
    expect(codes.filter((_, i) => i % 5 === 0)).toEqual(Array.from({ length: 10 }, () => 'OK'))
    for (const code of codes.filter((_, i) => i % 5 === 1)) expect(['FORBIDDEN', 'CONFLICT']).toContain(code)
    expect(await admins(fixture)).toBe(1)
  })

  test('A27: without the token, or where there is none, nobody becomes admin', async () => {
    await using fixture = await open()
    await register(fixture, {})
    const wrong = register(fixture, { username: 'eve', setupToken: `${SETUP_TOKEN}x` })
    await expect(wrong).rejects.toMatchObject({ code: 'FORBIDDEN', message: 'the setup token is not right' })
    expect(await admins(fixture)).toBe(0)
    expect(await fixture.entries('instance.set_up')).toMatchObject([{ outcome: 'denied' }])
    await using without = await open({ setupToken: null })
    expect(await codeOf(register(without, { setupToken: SETUP_TOKEN }))).toBe('FORBIDDEN')
  })

  test('an address registers 20 times in a window; wrong setup tokens count, the right one always goes', async () => {
    await using fixture = await open()
    const from = origin('192.0.2.9')
    for (let i = 0; i < 10; i += 1) {
      await register(fixture, { username: `user${i}` }, from)
      await codeOf(register(fixture, { setupToken: 'wrong' }, from))
    }
    expect(await codeOf(register(fixture, {}, from))).toBe('RATE_LIMITED')
    expect(await codeOf(register(fixture, { setupToken: 'wrong' }, from))).toBe('RATE_LIMITED')
    expect((await register(fixture, { setupToken: SETUP_TOKEN }, from)).role).toBe('admin')
    fixture.clock.advance(15 * 60_000)
    expect(await codeOf(register(fixture, { username: 'later' }, from))).toBe('OK')
  })

  test('closed registration refuses all but the first admin', async () => {
    await using fixture = await open({ auth: { registration: 'closed' } })
    expect(await codeOf(register(fixture, {}))).toBe('FORBIDDEN')
    expect(await codeOf(register(fixture, { setupToken: SETUP_TOKEN }))).toBe('OK')
    expect(await codeOf(register(fixture, { username: 'bob', setupToken: SETUP_TOKEN }))).toBe('CONFLICT')
  })

  test('A20: an e-mail address may come twice, a user name in another case may not', async () => {
    await using fixture = await open()
    await register(fixture, { email: 'ada@example.com' })
    expect(await codeOf(register(fixture, { username: 'bob', email: 'ada@example.com' }))).toBe('OK')
    await expect(register(fixture, { username: 'ADA' })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'the user name is taken',
    })
  })

  test('A20: of those who want one name at once, one gets it', async () => {
    const { fixture, another } = await openTwo()
    await using _ = fixture
    const other = await another()
    const codes = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        codeOf(register(i % 2 ? fixture : other, { username: i % 3 ? 'ada' : 'ADA' })),
      ),
    )
    expect(codes.filter((code) => code === 'OK')).toHaveLength(1)
    expect(codes.filter((code) => code === 'CONFLICT')).toHaveLength(9)
  })

  test('A28: fields that are not for the caller to set are refused, and nobody is made', async () => {
    await using fixture = await open()
    const extras = {
      role: 'admin',
      orgId: fixture.orgId,
      isAdmin: true,
      id: 'x',
      createdAt: 0,
      passwordHash: 'x',
    }
    for (const [key, value] of Object.entries(extras)) {
      await expect(register(fixture, { [key]: value })).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
        details: { fields: [{ path: key }] },
      })
    }
    const users = await fixture.db
      .selectFrom('users')
      .select('id')
      .where('username', 'is not', null)
      .execute()
    expect(users).toEqual([])
  })

  test('A26: a password that is common, or the user name, is refused with the field named', async () => {
    await using fixture = await open()
    for (const password of ['Password1234', 'administrator', 'short', '123456789012']) {
      await expect(register(fixture, { password })).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
        details: { fields: [{ path: 'password' }] },
      })
    }
    const same = { username: 'a.long.user.name', password: 'A.Long.User.Name' }
    expect(await codeOf(register(fixture, same))).toBe('VALIDATION_FAILED')
  })

  test('somebody on the machine makes the first admin, and sets a password', async () => {
    await using fixture = await open()
    const made = await fixture.identity.createFirstAdmin({ username: 'Root', password: PASSWORD })
    expect(made).toMatchObject({ username: 'root', role: 'admin' })
    const before = await fixture.signIn('root')
    // Nobody may disable the last one of the instance; a database that was put back from a copy may hold that.
    const disabled_at = fixture.clock.now()
    await fixture.db.updateTable('memberships').set({ disabled_at }).where('user_id', '=', made.id).execute()
    const reset = await fixture.identity.resetPassword({ username: 'ROOT', password: 'a brand new password' })
    expect(reset).toMatchObject({ id: made.id, disabled: false, role: 'admin' })
    fixture.clock.advance(2_000)
    expect(await codeOf(fixture.auth.authenticate(before.result.accessToken, origin()))).toBe(
      'UNAUTHENTICATED',
    )
    expect(await codeOf(fixture.signIn('root', 'a brand new password'))).toBe('OK')
    expect(await fixture.entries('user.password_reset')).toMatchObject([{ resourceId: made.id }])
    const reset2 = (username: string, password: string) =>
      codeOf(fixture.identity.resetPassword({ username, password }))
    expect(await reset2('nobody', 'a brand new password')).toBe('NOT_FOUND')
    expect(await reset2('not a name', 'a brand new password')).toBe('VALIDATION_FAILED')
    expect(await reset2('root', 'short')).toBe('VALIDATION_FAILED')
  })
})
