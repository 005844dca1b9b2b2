import { expect, test } from 'vitest'
import { parseRefreshToken } from '../../../src/auth/tokens/refresh-token.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { codeOf, DAY, fixtureOpener, type IdentityFixture, origin } from './identity-fixture.js'

describeOnBothDatabases('refresh', (openTestDatabase) => {
  const { open, openTwo } = fixtureOpener(openTestDatabase)
  const refresh = (fixture: IdentityFixture, refreshToken: string) =>
    fixture.auth.refresh({ refreshToken }, origin())

  test('a refresh answers with a new access token, a successor and the user', async () => {
    await using fixture = await open()
    const { result, user } = await fixture.admin()
    fixture.clock.advance(60_000)
    const next = await refresh(fixture, result.refreshToken)
    expect(next.refreshToken).not.toBe(result.refreshToken)
    expect(next.accessToken).not.toBe(result.accessToken)
    expect(next.user.id).toBe(user.id)
    expect(await codeOf(fixture.auth.authenticate(next.accessToken, origin()))).toBe('OK')
  })

  test('the database holds a hash of the token and nothing to make one from', async () => {
    await using fixture = await open()
    const { result } = await fixture.admin()
    const row = await fixture.db.selectFrom('logins').selectAll().executeTakeFirstOrThrow()
    const secret = parseRefreshToken(result.refreshToken)?.secret ?? 'absent'
    expect(JSON.stringify(row)).not.toContain(secret)
    expect(row.token_hash).toMatch(/^[0-9a-f]{64}$/)
  })

  test('A15: a token that comes again after the grace ends the whole login', async () => {
    await using fixture = await open()
    const { result, actor, user } = await fixture.admin()
    const next = await refresh(fixture, result.refreshToken)
    fixture.clock.advance(10_001)
    expect(await codeOf(refresh(fixture, result.refreshToken))).toBe('UNAUTHENTICATED')
    expect(await codeOf(refresh(fixture, next.refreshToken))).toBe('UNAUTHENTICATED')
    expect(await codeOf(fixture.auth.authenticate(next.accessToken, origin()))).toBe('UNAUTHENTICATED')
    expect(fixture.changed).toEqual([user.id])
    expect(await fixture.entries('login.refresh_reused')).toMatchObject([
      { outcome: 'denied', actorUserId: user.id, resourceId: actor.loginId },
    ])
  })

  test('A15: a token that was rotated long ago ends the login too, even within the grace of the newest', async () => {
    await using fixture = await open()
    const { result } = await fixture.admin()
    let token = result.refreshToken
    for (let i = 0; i < 3; i += 1) token = (await refresh(fixture, token)).refreshToken
    expect(await codeOf(refresh(fixture, result.refreshToken))).toBe('UNAUTHENTICATED')
    expect(await codeOf(refresh(fixture, token))).toBe('UNAUTHENTICATED')
  })

  test('A15: a token that was never handed out ends nothing', async () => {
    await using fixture = await open()
    const { result } = await fixture.admin()
    const [prefix, , tag] = result.refreshToken.split('.')
    const madeUp = `${prefix}.${'A'.repeat(43)}.${tag}`
    expect(await codeOf(refresh(fixture, madeUp))).toBe('UNAUTHENTICATED')
    for (const junk of ['', 'krn_rt_', '\0', 'x'.repeat(10_000)]) {
      expect(await codeOf(refresh(fixture, junk))).toBe('UNAUTHENTICATED')
    }
    expect(await codeOf(refresh(fixture, result.refreshToken))).toBe('OK')
  })

  test('A16: two refreshes at once get the same successor, and nothing is revoked', async () => {
    const { fixture, another } = await openTwo()
    await using _ = fixture
    const { result } = await fixture.admin()
    const other = await another()
    const answers = await Promise.all([
      refresh(fixture, result.refreshToken),
      refresh(other, result.refreshToken),
      refresh(fixture, result.refreshToken),
    ])
    const successors = new Set(answers.map(({ refreshToken }) => refreshToken))
    expect(successors.size).toBe(1)
    for (const { accessToken } of answers) {
      expect(await codeOf(fixture.auth.authenticate(accessToken, origin()))).toBe('OK')
    }
    expect(await codeOf(refresh(fixture, [...successors][0] ?? ''))).toBe('OK')
    expect(await fixture.entries('login.refresh_reused')).toEqual([])
  })

  test('A17: who lost the answer may ask again within the grace', async () => {
    await using fixture = await open()
    const { result } = await fixture.admin()
    const lost = await refresh(fixture, result.refreshToken)
    fixture.clock.advance(10_000)
    const again = await refresh(fixture, result.refreshToken)
    expect(again.refreshToken).toBe(lost.refreshToken)
    expect(await codeOf(refresh(fixture, again.refreshToken))).toBe('OK')
  })

  test('a login that is not used ends, and so does one that is', async () => {
    await using fixture = await open()
    const { result } = await fixture.admin()
    let token = result.refreshToken
    for (let day = 6; day < 30; day += 6) {
      fixture.clock.advance(6 * DAY)
      token = (await refresh(fixture, token)).refreshToken
    }
    fixture.clock.advance(6 * DAY)
    expect(await codeOf(refresh(fixture, token))).toBe('UNAUTHENTICATED')
    const idle = await fixture.signIn('root')
    fixture.clock.advance(7 * DAY)
    expect(await codeOf(refresh(fixture, idle.result.refreshToken))).toBe('UNAUTHENTICATED')
  })

  test('logins are deleted after their end and not before', async () => {
    await using fixture = await open()
    await fixture.admin()
    const count = async () => (await fixture.db.selectFrom('logins').select('id').execute()).length
    fixture.clock.advance(30 * DAY)
    await fixture.identity.purge()
    expect(await count()).toBe(1)
    fixture.clock.advance(1)
    await fixture.identity.purge()
    expect(await count()).toBe(0)
  })

  test('A13: who was disabled gets no new tokens', async () => {
    await using fixture = await open()
    const admin = await fixture.admin()
    const member = await fixture.member('op', 'operator')
    await fixture.users.update(admin.actor, member.user.id, { disabled: true })
    expect(await codeOf(refresh(fixture, member.result.refreshToken))).toBe('UNAUTHENTICATED')
    await fixture.users.update(admin.actor, member.user.id, { disabled: false })
    expect(await codeOf(refresh(fixture, member.result.refreshToken))).toBe('UNAUTHENTICATED')
    expect(await codeOf(fixture.signIn('op'))).toBe('OK')
  })
})
