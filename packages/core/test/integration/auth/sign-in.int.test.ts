import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { MemoryLimitStore } from '../../../src/auth/limits/memory-limit-store.js'
import { KrownError } from '../../../src/errors/krown-error.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { codeOf, fixtureOpener, origin, PASSWORD } from './identity-fixture.js'

/** Goes away once a password was right. */
class ForgetfulLimitStore extends MemoryLimitStore {
  override async forget(): Promise<never> {
    throw new KrownError('UNAVAILABLE', 'the counts are away')
  }
}

describeOnBothDatabases('sign-in', (openTestDatabase) => {
  const { open, openTwo } = fixtureOpener(openTestDatabase)

  test('a login answers with tokens and the user, and is journaled', async () => {
    await using fixture = await open()
    const user = await fixture.setUp()
    const result = await fixture.auth.login({ username: 'ROOT', password: PASSWORD }, origin())
    expect(result).toMatchObject({
      tokenType: 'Bearer',
      expiresIn: 600,
      user: { id: user.id, role: 'admin' },
    })
    expect(result.user.lastLoginAt).toBe('2026-01-01T00:00:00.000Z')
    const actor = await fixture.authenticateLogin(result.accessToken)
    expect(actor).toMatchObject({ kind: 'login', userId: user.id, username: 'root', clientIp: '192.0.2.1' })
    const [entry] = await fixture.entries('login.succeeded')
    expect(entry).toMatchObject({ outcome: 'success', actorUserId: user.id, resourceId: actor.loginId })
  })

  test('a login that was made is answered, also when the failures before cannot be forgotten', async () => {
    await using fixture = await open({ limitStore: new ForgetfulLimitStore({ clock: new FakeClock() }) })
    await fixture.setUp()
    const { actor } = await fixture.signIn('root')
    const { items } = await fixture.identity.logins.list(actor)
    expect(items).toMatchObject([{ id: actor.loginId, current: true }])
  })

  test('A18 A19: unknown, wrong and disabled take the same way and get the same answer', async () => {
    await using fixture = await open()
    const admin = await fixture.admin()
    const disabled = await fixture.member('gone', 'operator')
    await fixture.users.update(admin.actor, disabled.user.id, { disabled: true })
    await fixture.identity.external.external({
      issuer: 'https://login.example.com',
      subject: 'sub-1',
      displayName: 'outsider',
      role: 'operator',
    })
    const attempts = [
      { username: 'nobody', password: PASSWORD },
      { username: 'root', password: 'not the password' },
      { username: 'gone', password: 'not the password' },
      { username: 'gone', password: PASSWORD },
      { username: 'outsider', password: PASSWORD },
      { username: 'not\0a name', password: PASSWORD },
    ]
    for (const attempt of attempts) {
      fixture.hasher.verified.length = 0
      const before = (await fixture.entries()).length
      const error = await fixture.auth.login(attempt, origin(null)).catch((reason) => reason)
      expect(error).toMatchObject({
        code: 'UNAUTHENTICATED',
        message: 'the user name or the password is not right',
        details: undefined,
        retryAfterMs: undefined,
      })
      expect(fixture.hasher.verified).toEqual(['argon2id v=19 m=19456,t=2,p=1'])
      expect((await fixture.entries()).length).toBe(before + 1)
    }
  })

  test('A18: beyond the allowance of entries known and unknown names are both only counted', async () => {
    await using fixture = await open({ limits: { loginFailuresPerAccount: 1_000 } })
    await fixture.setUp()
    const failures = async () => (await fixture.entries('login.failed')).length
    for (let i = 0; i < 120; i += 1) {
      await codeOf(
        fixture.auth.login({ username: i % 2 ? 'root' : 'nobody', password: 'wrong' }, origin(null)),
      )
    }
    expect(await failures()).toBe(120)
    for (const username of ['root', 'nobody', 'root']) {
      await codeOf(fixture.auth.login({ username, password: 'wrong' }, origin(null)))
    }
    expect(await failures()).toBe(120)
    await fixture.identity.flush()
    const counted = (await fixture.entries('login.failed')).slice(120)
    expect(counted.map(({ facts }) => facts)).toEqual([
      { reason: 'wrong_password', count: 2 },
      { reason: 'unknown_user', count: 1 },
    ])
  })

  test('a failed login names the user who is known, and never the name that nobody has', async () => {
    await using fixture = await open()
    const user = await fixture.setUp()
    await codeOf(fixture.auth.login({ username: 'root', password: 'wrong' }, origin()))
    await codeOf(fixture.auth.login({ username: 'my-secret-typed-here', password: 'wrong' }, origin()))
    const [known, unknown] = await fixture.entries('login.failed')
    expect(known).toMatchObject({
      outcome: 'denied',
      resourceId: user.id,
      facts: { reason: 'wrong_password' },
      details: { username: 'root', clientIp: '192.0.2.1' },
    })
    expect(unknown).toMatchObject({ resourceId: null, facts: { reason: 'unknown_user' } })
    expect(JSON.stringify(unknown)).not.toContain('my-secret')
  })

  test('A21: after 10 failures the account is locked, also for the right password, for a bounded time', async () => {
    await using fixture = await open()
    await fixture.setUp()
    const attempt = (password: string, from: number) =>
      codeOf(fixture.auth.login({ username: 'root', password }, origin(`198.51.100.${from}`)))
    for (let i = 0; i < 10; i += 1) expect(await attempt('wrong', i)).toBe('UNAUTHENTICATED')
    fixture.hasher.verified.length = 0
    for (let i = 10; i < 200; i += 1) expect(await attempt('wrong', i)).toBe('RATE_LIMITED')
    const locked = await fixture.auth
      .login({ username: 'root', password: PASSWORD }, origin('203.0.113.9'))
      .catch((reason) => reason)
    expect(locked).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 1_000 })
    expect(fixture.hasher.verified).toEqual([])
    fixture.clock.advance(1_000)
    expect(await attempt(PASSWORD, 0)).toBe('OK')
    expect(await attempt('wrong', 0)).toBe('UNAUTHENTICATED')
  })

  test('A21: attempts made at once cannot slip past the limit together', async () => {
    await using fixture = await open()
    await fixture.setUp()
    fixture.hasher.verified.length = 0
    const codes = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        codeOf(fixture.auth.login({ username: 'root', password: 'wrong' }, origin(`198.51.100.${i}`))),
      ),
    )
    expect(codes.filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(10)
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(30)
    expect(fixture.hasher.verified).toHaveLength(10)
  })

  test('an address is refused after 30 failures, and right passwords never count', async () => {
    await using fixture = await open()
    await fixture.setUp()
    for (let i = 0; i < 40; i += 1) expect(await codeOf(fixture.signIn('root'))).toBe('OK')
    for (let i = 0; i < 30; i += 1) {
      expect(await codeOf(fixture.auth.login({ username: `u${i}`, password: 'x' }, origin()))).toBe(
        'UNAUTHENTICATED',
      )
    }
    expect(await codeOf(fixture.signIn('root'))).toBe('RATE_LIMITED')
    expect(await codeOf(fixture.signIn('root', PASSWORD, origin('192.0.2.2')))).toBe('OK')
    fixture.clock.advance(15 * 60_000)
    expect(await codeOf(fixture.signIn('root'))).toBe('OK')
  })

  test('a password that was hashed with lower parameters is hashed anew at the next login', async () => {
    await using fixture = await open()
    const user = await fixture.setUp()
    const hashOf = async () => {
      const query = fixture.db.selectFrom('users').select('password_hash').where('id', '=', user.id)
      return (await query.executeTakeFirstOrThrow()).password_hash ?? ''
    }
    const now = await hashOf()
    const old = now.replace('m=19456', 'm=4096')
    await fixture.db.updateTable('users').set({ password_hash: old }).where('id', '=', user.id).execute()
    await fixture.signIn('root')
    expect(await hashOf()).toBe(now)
  })

  test('A14: after logout the access and the refresh token are dead', async () => {
    await using fixture = await open()
    const { actor, result, user } = await fixture.admin()
    await fixture.auth.logout(actor)
    expect(await codeOf(fixture.auth.authenticate(result.accessToken, origin()))).toBe('UNAUTHENTICATED')
    expect(await codeOf(fixture.auth.me(actor))).toBe('UNAUTHENTICATED')
    expect(await fixture.identity.subjects.isStillGood(actor)).toBe(false)
    expect(await codeOf(fixture.auth.refresh({ refreshToken: result.refreshToken }, origin()))).toBe(
      'UNAUTHENTICATED',
    )
    expect(fixture.changed).toEqual([user.id])
    expect(await fixture.entries('login.ended')).toMatchObject([
      { actorUserId: user.id, resourceId: actor.loginId },
    ])
  })

  test('A14: another process stops believing the token within 5 s', async () => {
    const { fixture, another } = await openTwo()
    await using _ = fixture
    const { actor, result } = await fixture.admin()
    const other = await another()
    expect(await codeOf(other.auth.authenticate(result.accessToken, origin()))).toBe('OK')
    await fixture.auth.logout(actor)
    fixture.clock.advance(2_000)
    expect(await codeOf(other.auth.authenticate(result.accessToken, origin()))).toBe('UNAUTHENTICATED')
  })

  test('A09: neither kind of token passes for the other', async () => {
    await using fixture = await open()
    const { result } = await fixture.admin()
    expect(await codeOf(fixture.auth.authenticate(result.refreshToken, origin()))).toBe('UNAUTHENTICATED')
    expect(await codeOf(fixture.auth.refresh({ refreshToken: result.accessToken }, origin()))).toBe(
      'UNAUTHENTICATED',
    )
  })

  test('a new password ends every other login and leaves this one', async () => {
    await using fixture = await open()
    const { actor, result } = await fixture.admin()
    const other = await fixture.signIn('root')
    await fixture.auth.changePassword(actor, { currentPassword: PASSWORD, newPassword: 'another fine one' })
    expect(await codeOf(fixture.auth.authenticate(result.accessToken, origin()))).toBe('OK')
    expect(await codeOf(fixture.auth.authenticate(other.result.accessToken, origin()))).toBe(
      'UNAUTHENTICATED',
    )
    expect(await codeOf(fixture.signIn('root'))).toBe('UNAUTHENTICATED')
    expect(await codeOf(fixture.signIn('root', 'another fine one'))).toBe('OK')
    expect(await fixture.entries('user.password_changed')).toMatchObject([
      { outcome: 'success', facts: { endedLogins: 1 } },
    ])
  })

  test('changing the password needs the current one, and guessing it is limited as logins are', async () => {
    await using fixture = await open()
    const { actor } = await fixture.admin()
    const change = (currentPassword: string, newPassword = 'another fine one') =>
      fixture.auth.changePassword(actor, { currentPassword, newPassword })
    await expect(change('wrong')).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { fields: [{ path: 'currentPassword' }] },
    })
    await expect(change(PASSWORD, 'short')).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { fields: [{ path: 'newPassword' }] },
    })
    for (let i = 0; i < 10; i += 1) await codeOf(change('wrong'))
    expect(await codeOf(change(PASSWORD))).toBe('RATE_LIMITED')
    expect((await fixture.entries('user.password_changed'))[0]).toMatchObject({ outcome: 'denied' })
  })

  test('a user without a password has none to change', async () => {
    await using fixture = await open()
    const actor = await fixture.identity.external.external({
      issuer: 'https://login.example.com',
      subject: 'sub-1',
      displayName: 'Ada',
      role: 'operator',
    })
    const input = { currentPassword: PASSWORD, newPassword: 'another fine one' }
    expect(await codeOf(fixture.auth.changePassword(actor, input))).toBe('FORBIDDEN')
  })
})
