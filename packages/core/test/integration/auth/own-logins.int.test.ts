import { expect, test } from 'vitest'
import { describeOnBothDatabases } from '../../support/databases.js'
import { codeOf, DAY, fixtureOpener, origin, PASSWORD } from './identity-fixture.js'

describeOnBothDatabases('own logins', (openTestDatabase) => {
  const { open } = fixtureOpener(openTestDatabase)

  test('are listed with where they began, the newest first and the one of this call marked', async () => {
    await using fixture = await open()
    const first = await fixture.member('ada', 'operator')
    const from = { ...origin('192.0.2.9'), userAgent: 'krown/1' }
    const second = await fixture.signIn('ada', PASSWORD, from)
    await fixture.member('bob', 'operator')
    const { items } = await fixture.identity.logins.list(first.actor)
    expect(items).toMatchObject([
      { id: second.actor.loginId, current: false, clientIp: '192.0.2.9', userAgent: 'krown/1' },
      { id: first.actor.loginId, current: true },
    ])
    expect(JSON.stringify(items)).not.toMatch(/hash|token|chain/i)
    const page = await fixture.identity.logins.list(first.actor, { limit: 1 })
    expect(page.items).toEqual(items.slice(0, 1))
    const rest = await fixture.identity.logins.list(first.actor, { limit: 1, cursor: page.nextCursor ?? '' })
    expect(rest.items).toEqual(items.slice(1))
  })

  test('end when the user says so: tokens and refreshes of that one, and of no other', async () => {
    await using fixture = await open()
    const here = await fixture.member('ada', 'operator')
    const there = await fixture.signIn('ada')
    await fixture.identity.logins.end(here.actor, there.actor.loginId)
    await fixture.identity.logins.end(here.actor, there.actor.loginId)
    expect(await codeOf(fixture.auth.me(there.actor))).toBe('UNAUTHENTICATED')
    const { refreshToken } = there.result
    expect(await codeOf(fixture.auth.refresh({ refreshToken }, origin()))).toBe('UNAUTHENTICATED')
    expect(await fixture.auth.me(here.actor)).toMatchObject({ username: 'ada' })
    expect((await fixture.identity.logins.list(here.actor)).items).toHaveLength(1)
    expect(await fixture.entries('login.ended')).toMatchObject([
      { actorUserId: here.user.id, resourceId: there.actor.loginId },
    ])
  })

  test("B04: another's login is not found, and those that ended by themselves are not listed", async () => {
    await using fixture = await open()
    const ada = await fixture.member('ada', 'operator')
    const { actor } = await fixture.admin()
    expect(await codeOf(fixture.identity.logins.end(actor, ada.actor.loginId))).toBe('NOT_FOUND')
    fixture.clock.advance(40 * DAY)
    const later = await fixture.signIn('ada')
    expect((await fixture.identity.logins.list(later.actor)).items.map(({ id }) => id)).toEqual([
      later.actor.loginId,
    ])
  })
})
