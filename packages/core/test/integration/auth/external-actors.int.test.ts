import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { ExternalIdentity } from '../../../src/model/actor.js'
import type { OrgId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { codeOf, fixtureOpener } from './identity-fixture.js'

const ada: ExternalIdentity = {
  issuer: 'https://login.example.com',
  subject: 'sub-1',
  displayName: 'Ada Lovelace',
  role: 'operator',
}

describeOnBothDatabases('external actors', (openTestDatabase) => {
  const { open, openTwo } = fixtureOpener(openTestDatabase)

  test('an identity is a user from first sight on, named in the journal', async () => {
    await using fixture = await open()
    const actor = await fixture.identity.external.external({ ...ada, clientIp: '192.0.2.5' })
    expect(actor).toMatchObject({ kind: 'external', username: 'Ada Lovelace', clientIp: '192.0.2.5' })
    expect(await fixture.auth.me(actor)).toMatchObject({
      id: actor.userId,
      username: 'Ada Lovelace',
      role: 'operator',
    })
    expect(await fixture.identity.external.external(ada)).toMatchObject({ userId: actor.userId })
    expect(await fixture.entries('user.created')).toMatchObject([
      {
        resourceId: actor.userId,
        facts: { source: 'external', role: 'operator' },
        details: { subject: 'sub-1' },
      },
    ])
    await fixture.auth.logout(actor)
    expect(await fixture.identity.subjects.isStillGood(actor)).toBe(true)
  })

  test('role and name follow what the program says, and the change is journaled', async () => {
    await using fixture = await open()
    const actor = await fixture.identity.external.external(ada)
    expect((await fixture.identity.subjects.subjectOf(actor)).role).toBe('operator')
    await fixture.identity.external.external({ ...ada, role: 'readonly', displayName: 'Ada King' })
    expect(await fixture.identity.subjects.subjectOf(actor)).toMatchObject({ role: 'readonly' })
    expect((await fixture.auth.me(actor)).username).toBe('Ada King')
    expect(await fixture.entries('user.role_changed')).toMatchObject([
      { facts: { from: 'operator', to: 'readonly' } },
    ])
    expect(await fixture.entries('user.renamed')).toMatchObject([
      { details: { from: 'Ada Lovelace', to: 'Ada King' } },
    ])
  })

  test('seen by many at once, in two processes, it is one user', async () => {
    const { fixture, another } = await openTwo()
    await using _ = fixture
    const other = await another()
    const actors = await Promise.all(
      Array.from({ length: 8 }, (_, i) => (i % 2 ? fixture : other).identity.external.external(ada)),
    )
    expect(new Set(actors.map(({ userId }) => userId)).size).toBe(1)
    expect(await fixture.entries('user.created')).toHaveLength(1)
  })

  test('a second organization gives the same user a membership there', async () => {
    await using fixture = await open()
    const orgId = newId<OrgId>()
    const { db, clock } = fixture
    await db
      .insertInto('organizations')
      .values({ id: orgId, slug: 'b', name: 'B', created_at: clock.now() })
      .execute()
    const here = await fixture.identity.external.external(ada)
    const there = await fixture.identity.external.external({ ...ada, orgId, role: 'admin' })
    expect(there.userId).toBe(here.userId)
    expect(await fixture.identity.subjects.subjectOf(here)).toMatchObject({ role: 'operator' })
    expect(await fixture.identity.subjects.subjectOf(there)).toMatchObject({ role: 'admin' })
    expect(await fixture.entries('user.created', orgId)).toMatchObject([{ resourceId: here.userId }])
  })

  test('who was disabled here stays out, whatever the program says', async () => {
    await using fixture = await open()
    const actor = await fixture.identity.external.external(ada)
    await fixture.users.update(fixture.identity.home.system, actor.userId, { disabled: true })
    const again = await fixture.identity.external.external({ ...ada, role: 'admin' })
    expect(await codeOf(fixture.auth.me(again))).toBe('UNAUTHENTICATED')
    expect(await fixture.identity.subjects.isStillGood(again)).toBe(false)
  })

  test('nobody can be vouched for as the system, in an unknown organization, or with an unsafe name', async () => {
    await using fixture = await open()
    const code = (changes: Partial<ExternalIdentity>) =>
      codeOf(fixture.identity.external.external({ ...ada, ...changes }))
    expect(await code({ issuer: 'krown', subject: 'system' })).toBe('VALIDATION_FAILED')
    expect(await code({ orgId: newId<OrgId>() })).toBe('NOT_FOUND')
    expect(await code({ displayName: 'Ada\u202e' })).toBe('VALIDATION_FAILED')
    expect(await code({ displayName: '' })).toBe('VALIDATION_FAILED')
    const heads = await fixture.db.selectFrom('journal_heads').select('org_id').execute()
    expect(heads).toHaveLength(1)
  })
})
