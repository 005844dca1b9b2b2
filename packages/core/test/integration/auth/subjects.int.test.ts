import { FakeClock } from '@krown/testkit'
import type { KyselyPlugin } from 'kysely'
import { expect, test } from 'vitest'
import { Subjects } from '../../../src/auth/gate/subjects.js'
import { ApiTokenLookup } from '../../../src/auth/tokens/api-token-lookup.js'
import type { Db } from '../../../src/db/database.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { codeOf, fixtureOpener, origin } from './identity-fixture.js'

/** Counts statements, and fails them while told to. */
class StatementProbe implements KyselyPlugin {
  count = 0
  failing = false

  transformQuery: KyselyPlugin['transformQuery'] = ({ node }) => {
    this.count += 1
    if (this.failing) throw new Error('the database is away')
    return node
  }

  transformResult: KyselyPlugin['transformResult'] = async ({ result }) => result
}

const subjectsOver = (db: Db, clock: FakeClock) =>
  new Subjects({ db, clock, apiTokens: new ApiTokenLookup({ db, clock }) })

describeOnBothDatabases('who may do what right now', (openTestDatabase) => {
  const { open } = fixtureOpener(openTestDatabase)

  test('one query answers all who ask about a caller within two seconds', async () => {
    await using fixture = await open()
    const { actor, user } = await fixture.admin()
    const probe = new StatementProbe()
    const clock = new FakeClock()
    const subjects = subjectsOver(fixture.db.withPlugin(probe), clock)
    const answers = await Promise.all(Array.from({ length: 100 }, () => subjects.subjectOf(actor)))
    expect(new Set(answers.map(({ role }) => role))).toEqual(new Set(['admin']))
    clock.advance(1_999)
    await subjects.subjectOf(actor)
    expect(probe.count).toBe(1)
    clock.advance(1)
    await subjects.subjectOf(actor)
    expect(probe.count).toBe(2)
    subjects.invalidate(user.id)
    await subjects.subjectOf(actor)
    expect(probe.count).toBe(3)
  })

  test('a failed query is an error, not an answer, and is not remembered', async () => {
    await using fixture = await open()
    const { actor } = await fixture.admin()
    const probe = new StatementProbe()
    const subjects = subjectsOver(fixture.db.withPlugin(probe), new FakeClock())
    probe.failing = true
    await expect(subjects.isStillGood(actor)).rejects.toThrow('the database is away')
    probe.failing = false
    expect(await subjects.isStillGood(actor)).toBe(true)
  })

  test('a login ends when its time is over, although its row is not touched', async () => {
    await using fixture = await open({ auth: { refreshIdleTtl: 60_000 } })
    const { actor } = await fixture.admin()
    expect(await fixture.identity.subjects.isStillGood(actor)).toBe(true)
    fixture.clock.advance(60_000)
    expect(await fixture.identity.subjects.isStillGood(actor)).toBe(false)
    expect(await fixture.identity.subjects.findSubject(actor.orgId, actor.userId)).toMatchObject({
      role: 'admin',
    })
  })

  test('A13: disabling the organization shuts out its members, and removing one that one', async () => {
    await using fixture = await open()
    const { actor } = await fixture.admin()
    const member = await fixture.member('op', 'operator')
    await fixture.db.deleteFrom('logins').where('user_id', '=', member.user.id).execute()
    await fixture.db.deleteFrom('memberships').where('user_id', '=', member.user.id).execute()
    await fixture.clock.advanceAsync(2_000)
    expect(await codeOf(fixture.auth.me(member.actor))).toBe('UNAUTHENTICATED')
    expect(await codeOf(fixture.auth.me(actor))).toBe('OK')
    await fixture.db.updateTable('organizations').set({ disabled_at: 1 }).execute()
    await fixture.clock.advanceAsync(2_000)
    expect(await codeOf(fixture.auth.me(actor))).toBe('UNAUTHENTICATED')
    expect(await codeOf(fixture.signIn('root'))).toBe('UNAUTHENTICATED')
  })

  test('raising the token version ends access tokens, and a refresh gives a good one', async () => {
    await using fixture = await open()
    const { actor, result } = await fixture.admin()
    await fixture.db.updateTable('users').set({ token_version: 1 }).where('id', '=', actor.userId).execute()
    fixture.clock.advance(2_000)
    expect(await codeOf(fixture.auth.authenticate(result.accessToken, origin()))).toBe('UNAUTHENTICATED')
    const next = await fixture.auth.refresh({ refreshToken: result.refreshToken }, origin())
    expect(await codeOf(fixture.auth.authenticate(next.accessToken, origin()))).toBe('OK')
  })

  test('a login of one user is worth nothing in the name of another', async () => {
    await using fixture = await open()
    const { actor } = await fixture.admin()
    const member = await fixture.member('op', 'operator')
    const mixed = { ...member.actor, userId: actor.userId }
    expect(await codeOf(fixture.auth.me(mixed))).toBe('UNAUTHENTICATED')
  })
})
