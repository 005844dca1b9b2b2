import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { InviteId, UserId } from '../../../src/model/ids.js'
import type { RegisterInput } from '../../../src/model/user.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { codeOf, DAY, fixtureOpener, type IdentityFixture, origin, PASSWORD } from './identity-fixture.js'

const ONLY_INVITED = { auth: { registration: 'invite' } } as const
/** So many of that maker that can be used for the usual week. */
async function fillWithInvites({ db, clock, orgId }: IdentityFixture, createdBy: UserId, count: number) {
  const now = clock.now()
  const rows = Array.from({ length: count }, () => ({
    id: newId<InviteId>(),
    org_id: orgId,
    secret_hash: '0'.repeat(64),
    role: 'readonly' as const,
    note: null,
    created_by: createdBy,
    created_at: now,
    expires_at: now + 7 * DAY,
  }))
  await db.insertInto('invites').values(rows).execute()
}

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

  test('of one maker are at most 100 that can be used, and what ended makes room', async () => {
    await using fixture = await open(ONLY_INVITED)
    const { actor } = await fixture.admin()
    const other = await fixture.member('other', 'admin')
    const { invites } = fixture.identity
    await fillWithInvites(fixture, actor.userId, 98)
    const [used, revoked] = [await invites.create(actor), await invites.create(actor)]
    const full = { code: 'QUOTA_EXCEEDED', details: { limit: 100 } }
    await expect(invites.create(actor)).rejects.toMatchObject(full)
    expect(await codeOf(invites.create(other.actor))).toBe('OK')
    await register(fixture, { inviteToken: used.token })
    await invites.revoke(actor, revoked.id)
    const outcomes = await Promise.all([1, 2, 3].map(() => codeOf(invites.create(actor))))
    expect(outcomes.sort()).toEqual(['OK', 'OK', 'QUOTA_EXCEEDED'])
    fixture.clock.advance(8 * DAY)
    expect(await codeOf(invites.create((await fixture.signIn('root')).actor))).toBe('OK')
  })

  test('of an organization are at most 1,000 that can be used, whoever made them', async () => {
    await using fixture = await open(ONLY_INVITED)
    const { system } = fixture.identity.home
    const { actor } = await fixture.admin()
    await fillWithInvites(fixture, system.userId, 999)
    const { invites } = fixture.identity
    const last = await invites.create(system)
    for (const maker of [actor, system]) {
      await expect(invites.create(maker)).rejects.toMatchObject({
        code: 'QUOTA_EXCEEDED',
        details: { limit: 1_000 },
      })
    }
    await invites.revoke(actor, last.id)
    expect(await codeOf(invites.create(actor))).toBe('OK')
  })

  test('that ended are forgotten 30 days later, and those that can be used are not', async () => {
    await using fixture = await open(ONLY_INVITED)
    const { actor } = await fixture.admin()
    const { invites, purge } = fixture.identity
    const inAYear = { expiresAt: '2026-12-31T00:00:00.000Z' }
    const [used, revoked] = [await invites.create(actor, inAYear), await invites.create(actor, inAYear)]
    await invites.create(actor, { note: 'expires in a week' })
    const kept = await invites.create(actor, inAYear)
    const ids = async (who = actor) => (await invites.list(who)).items.map(({ id }) => id)
    await register(fixture, { inviteToken: used.token })
    await invites.revoke(actor, revoked.id)
    fixture.clock.advance(30 * DAY)
    await purge()
    const later = (await fixture.signIn('root')).actor
    expect(await ids(later)).toHaveLength(4)
    fixture.clock.advance(1)
    await purge()
    expect(await ids(later)).toHaveLength(2)
    fixture.clock.advance(7 * DAY)
    await purge()
    expect(await ids((await fixture.signIn('root')).actor)).toEqual([kept.id])
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
