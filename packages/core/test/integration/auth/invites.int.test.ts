import { expect, test } from 'vitest'
import type { RegisterInput } from '../../../src/model/user.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { codeOf, DAY, fixtureOpener, type IdentityFixture, origin, PASSWORD } from './identity-fixture.js'

const ONLY_INVITED = { auth: { registration: 'invite' } } as const
const NOT_GOOD = 'the invite is not good, or not any more: ask an admin for another'

describeOnBothDatabases('invites', (openTestDatabase) => {
  const { open, openTwo } = fixtureOpener(openTestDatabase)
  const register = (fixture: IdentityFixture, input: Partial<RegisterInput> = {}) =>
    fixture.auth.register({ username: 'ada', password: PASSWORD, ...input }, origin(null))

  test('make whoever registers with one what it says, once, and are journaled', async () => {
    await using fixture = await open(ONLY_INVITED)
    const { actor } = await fixture.admin()
    const { invites } = fixture.identity
    const made = await invites.create(actor, { role: 'operator', note: 'Ada' })
    expect(made).toMatchObject({ role: 'operator', note: 'Ada', usedAt: null })
    const user = await register(fixture, { inviteToken: made.token })
    expect(user).toMatchObject({ username: 'ada', role: 'operator' })
    const [listed] = (await invites.list(actor)).items
    expect(listed).toMatchObject({ id: made.id, usedBy: user.id })
    expect(listed).not.toHaveProperty('token')
    expect(await codeOf(register(fixture, { username: 'eve', inviteToken: made.token }))).toBe('FORBIDDEN')
    expect(await fixture.entries('invite.created')).toMatchObject([
      { resourceId: made.id, facts: { role: 'operator' }, details: { note: 'Ada' } },
    ])
    expect(await fixture.entries('user.registered')).toMatchObject([{ facts: { inviteId: made.id } }])
  })

  test('are needed where registration is by invite, and of no use where it is closed', async () => {
    await using fixture = await open(ONLY_INVITED)
    expect(await codeOf(register(fixture))).toBe('FORBIDDEN')
    await using closed = await open({ auth: { registration: 'closed' } })
    const { actor } = await closed.admin()
    const { token } = await closed.identity.invites.create(actor)
    expect(await codeOf(register(closed, { inviteToken: token }))).toBe('FORBIDDEN')
  })

  test('that expired, were revoked, changed or made up are refused alike', async () => {
    await using fixture = await open(ONLY_INVITED)
    const { actor } = await fixture.admin()
    const { invites } = fixture.identity
    const [revoked, old] = [await invites.create(actor), await invites.create(actor)]
    await invites.revoke(actor, revoked.id)
    expect(await invites.revoke(actor, revoked.id)).toMatchObject({ revokedAt: expect.any(String) })
    fixture.clock.advance(8 * DAY)
    const later = await invites.create((await fixture.signIn('root')).actor)
    const changed = later.token.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'))
    const other = later.token.replace(later.id.replaceAll('-', ''), old.id.replaceAll('-', ''))
    const refusals = await Promise.all(
      [revoked.token, old.token, changed, other, 'krn_inv_'].map((inviteToken) =>
        register(fixture, { inviteToken }).then(
          () => 'let in',
          (error: Error) => error.message,
        ),
      ),
    )
    expect(new Set(refusals)).toEqual(new Set([NOT_GOOD]))
  })

  test('are worth no more than their maker: who is no admin any more, or disabled, lets nobody in', async () => {
    await using fixture = await open(ONLY_INVITED)
    const { actor } = await fixture.admin()
    const maker = await fixture.member('maker', 'admin')
    const { token } = await fixture.identity.invites.create(maker.actor, { role: 'admin' })
    for (const change of [{ role: 'operator' }, { role: 'admin', disabled: true }] as const) {
      await fixture.users.update(actor, maker.user.id, change)
      const refused = register(fixture, { inviteToken: token })
      await expect(refused).rejects.toMatchObject({ code: 'FORBIDDEN', message: NOT_GOOD })
    }
    expect(await fixture.entries('user.registered')).toEqual([])
    await fixture.users.update(actor, maker.user.id, { disabled: false })
    expect(await register(fixture, { inviteToken: token })).toMatchObject({ role: 'admin' })
  })

  test('of the system let in, which is an admin everywhere', async () => {
    await using fixture = await open(ONLY_INVITED)
    const { token } = await fixture.identity.invites.create(fixture.identity.home.system)
    expect(await register(fixture, { inviteToken: token })).toMatchObject({ role: 'readonly' })
  })

  test('let in one of two who use the same at once, whichever process they ask', async () => {
    const { fixture, another } = await openTwo(ONLY_INVITED)
    await using _ = fixture
    await using second = await another()
    const { actor } = await fixture.admin()
    const { token, id } = await fixture.identity.invites.create(actor)
    const outcomes = await Promise.allSettled([
      register(fixture, { username: 'ada', inviteToken: token }),
      register(second, { username: 'bob', inviteToken: token }),
    ])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const people = await fixture.db
      .selectFrom('users')
      .select('id')
      .where('username', 'in', ['ada', 'bob'])
      .execute()
    expect(people).toHaveLength(1)
    expect((await fixture.identity.invites.list(actor)).items).toMatchObject([{ id, usedBy: people[0]?.id }])
  })

  test('B02: are made by admins alone, and one that was used cannot be revoked', async () => {
    await using fixture = await open(ONLY_INVITED)
    const { actor } = await fixture.admin()
    const operator = await fixture.member('opal', 'operator')
    const { invites } = fixture.identity
    expect(await codeOf(invites.create(operator.actor))).toBe('FORBIDDEN')
    expect(await codeOf(invites.list(operator.actor))).toBe('FORBIDDEN')
    const made = await invites.create(actor)
    expect(await codeOf(invites.revoke(operator.actor, made.id))).toBe('FORBIDDEN')
    await register(fixture, { inviteToken: made.token })
    expect(await codeOf(invites.revoke(actor, made.id))).toBe('CONFLICT')
    expect(await codeOf(invites.create(actor, { expiresAt: '2001-01-01T00:00:00Z' }))).toBe(
      'VALIDATION_FAILED',
    )
  })
})
