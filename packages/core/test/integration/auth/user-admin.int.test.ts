import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import { SYSTEM_USER_ID } from '../../../src/db/repositories/user.repository.js'
import type { UserId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { codeOf, fixtureOpener, type IdentityFixture, origin, PASSWORD } from './identity-fixture.js'

/** Another organization with one user, beside `default`. */
async function foreignUser({ db, clock, identity }: IdentityFixture): Promise<UserId> {
  const orgId = newId<typeof identity.home.orgId>()
  await db
    .insertInto('organizations')
    .values({ id: orgId, slug: 'other', name: 'Other', created_at: clock.now() })
    .execute()
  const system = await identity.systemActor(orgId)
  const user = await identity.users.create(system, { username: 'foreigner', password: PASSWORD })
  return user.id
}

describeOnBothDatabases('user administration', (openTestDatabase) => {
  const { open, openTwo } = fixtureOpener(openTestDatabase)

  test('an admin makes a user, who can sign in, and both are journaled', async () => {
    await using fixture = await open()
    const admin = await fixture.admin()
    const input = { username: 'Op', password: PASSWORD, email: 'op@example.com', role: 'operator' } as const
    const user = await fixture.users.create(admin.actor, input)
    expect(user).toMatchObject({ username: 'op', role: 'operator', email: 'op@example.com' })
    expect((await fixture.signIn('op')).user.id).toBe(user.id)
    expect(await fixture.entries('user.created')).toMatchObject([
      { actorUserId: admin.user.id, resourceId: user.id, facts: { role: 'operator', source: 'admin' } },
    ])
    expect(await codeOf(fixture.users.create(admin.actor, input))).toBe('CONFLICT')
    expect(await codeOf(fixture.users.create(admin.actor, { ...input, username: 'no spaces' }))).toBe(
      'VALIDATION_FAILED',
    )
  })

  test('the list holds people, newest first, by page and by role', async () => {
    await using fixture = await open()
    const admin = await fixture.admin()
    await foreignUser(fixture)
    const made: string[] = []
    for (let i = 0; i < 5; i += 1) made.unshift((await fixture.member(`op${i}`, 'operator')).user.id)
    const listed: string[] = []
    let cursor: string | undefined
    do {
      const page = await fixture.users.list(admin.actor, { limit: 2, cursor })
      expect(page.items.length).toBeLessThanOrEqual(2)
      listed.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    expect(listed).toEqual([...made, admin.user.id])
    const onlyAdmins = await fixture.users.list(admin.actor, { role: 'admin' })
    expect(onlyAdmins).toMatchObject({ items: [{ id: admin.user.id }], nextCursor: null })
  })

  test('a cursor belongs to its filters', async () => {
    await using fixture = await open()
    const { actor } = await fixture.admin()
    await fixture.member('op', 'operator')
    const { nextCursor } = await fixture.users.list(actor, { limit: 1 })
    const stolen = fixture.users.list(actor, { role: 'admin', cursor: nextCursor ?? '' })
    await expect(stolen).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { fields: [{ path: 'cursor' }] },
    })
    expect(await codeOf(fixture.users.list(actor, { limit: 0 }))).toBe('VALIDATION_FAILED')
    expect(await codeOf(fixture.users.list(actor, { limit: 201 }))).toBe('VALIDATION_FAILED')
  })

  test('operators and readonly users see themselves and nobody else; an auditor sees all', async () => {
    await using fixture = await open()
    const admin = await fixture.admin()
    for (const role of ['operator', 'readonly'] as const) {
      const { actor, user } = await fixture.member(role, role)
      expect((await fixture.users.get(actor, user.id)).id).toBe(user.id)
      expect((await fixture.auth.me(actor)).id).toBe(user.id)
      expect(await codeOf(fixture.users.get(actor, admin.user.id))).toBe('NOT_FOUND')
      expect(await codeOf(fixture.users.list(actor))).toBe('FORBIDDEN')
    }
    const { user, actor } = await fixture.member('auditor', 'readonly')
    await fixture.users.update(admin.actor, user.id, { auditScope: 'org' })
    expect((await fixture.users.list(actor)).items).toHaveLength(4)
    expect((await fixture.users.get(actor, admin.user.id)).id).toBe(admin.user.id)
    expect(await codeOf(fixture.users.update(actor, user.id, { role: 'admin' }))).toBe('FORBIDDEN')
  })

  test('B02: an operator raises neither itself nor others, and the attempt is journaled', async () => {
    await using fixture = await open()
    const admin = await fixture.admin()
    const { actor, user } = await fixture.member('op', 'operator')
    for (const id of [user.id, admin.user.id, newId<UserId>()]) {
      expect(await codeOf(fixture.users.update(actor, id, { role: 'admin' }))).toBe('FORBIDDEN')
    }
    expect(await codeOf(fixture.users.create(actor, { username: 'x', password: PASSWORD }))).toBe('FORBIDDEN')
    expect((await fixture.users.get(admin.actor, user.id)).role).toBe('operator')
    expect(await fixture.entries('access.denied')).toMatchObject([
      {
        outcome: 'denied',
        actorUserId: user.id,
        resourceId: user.id,
        facts: { permission: 'user:manage', code: 'FORBIDDEN' },
      },
      { actorUserId: user.id, resourceId: admin.user.id },
      { actorUserId: user.id },
      { actorUserId: user.id, resourceId: null },
    ])
  })

  test('B04: a user of another organization is not found, as one who never was', async () => {
    await using fixture = await open()
    const { actor } = await fixture.admin()
    const foreign = await foreignUser(fixture)
    const refusal = async (promise: Promise<unknown>) =>
      promise.catch(({ code, message, details }) => ({ code, message, details }))
    for (const id of [foreign, SYSTEM_USER_ID]) {
      const absent = await refusal(fixture.users.get(actor, newId<UserId>()))
      expect(absent).toMatchObject({ code: 'NOT_FOUND' })
      expect(await refusal(fixture.users.get(actor, id))).toEqual(absent)
      expect(await refusal(fixture.users.update(actor, id, { disabled: true }))).toEqual(absent)
    }
    expect((await fixture.users.list(actor)).items.map(({ username }) => username)).toEqual(['root'])
  })

  test('A10: the database says what the role is, at once here and within 5 s elsewhere', async () => {
    const { fixture, another } = await openTwo()
    await using _ = fixture
    const admin = await fixture.admin()
    const { actor, user } = await fixture.member('op', 'operator')
    const other = await another()
    expect((await other.identity.subjects.subjectOf(actor)).role).toBe('operator')
    await fixture.users.update(admin.actor, user.id, { role: 'admin' })
    expect((await fixture.identity.subjects.subjectOf(actor)).role).toBe('admin')
    fixture.clock.advance(2_000)
    expect((await other.identity.subjects.subjectOf(actor)).role).toBe('admin')
    expect(fixture.changed).toContain(user.id)
    expect(await fixture.entries('user.role_changed')).toMatchObject([
      { actorUserId: admin.user.id, resourceId: user.id, facts: { from: 'operator', to: 'admin' } },
    ])
  })

  test('A13: who is disabled is out at once here, and within 5 s elsewhere', async () => {
    const { fixture, another } = await openTwo()
    await using _ = fixture
    const admin = await fixture.admin()
    const { actor, user, result } = await fixture.member('op', 'operator')
    const other = await another()
    const subjects = [fixture.identity.subjects, other.identity.subjects]
    for (const each of subjects)
      expect(await each.findSubject(actor.orgId, user.id)).toMatchObject({ role: 'operator' })
    const updated = await fixture.users.update(admin.actor, user.id, { disabled: true })
    expect(updated.disabled).toBe(true)
    expect(await codeOf(fixture.auth.authenticate(result.accessToken, origin()))).toBe('UNAUTHENTICATED')
    fixture.clock.advance(2_000)
    expect(await codeOf(other.auth.authenticate(result.accessToken, origin()))).toBe('UNAUTHENTICATED')
    for (const each of subjects) {
      expect(await each.isStillGood(actor)).toBe(false)
      expect(await each.findSubject(actor.orgId, user.id)).toBeUndefined()
    }
    await fixture.users.update(admin.actor, user.id, { disabled: false })
    expect(await codeOf(fixture.auth.authenticate(result.accessToken, origin()))).toBe('UNAUTHENTICATED')
    const actions = (await fixture.entries()).map(({ action }) => action)
    expect(actions.filter((action) => /abled$/.test(action))).toEqual(['user.disabled', 'user.enabled'])
  })

  test('B12: the last admin can be neither demoted nor disabled', async () => {
    await using fixture = await open()
    const { actor, user } = await fixture.admin()
    expect(await codeOf(fixture.users.update(actor, user.id, { role: 'operator' }))).toBe('CONFLICT')
    expect(await codeOf(fixture.users.update(actor, user.id, { disabled: true }))).toBe('CONFLICT')
    const second = await fixture.member('second', 'admin')
    await fixture.users.update(actor, second.user.id, { disabled: true })
    expect(await codeOf(fixture.users.update(actor, user.id, { role: 'operator' }))).toBe('CONFLICT')
    await fixture.users.update(actor, second.user.id, { disabled: false })
    await fixture.identity.grantInstanceAdmin({ username: second.user.username })
    expect(await codeOf(fixture.users.update(actor, user.id, { role: 'operator' }))).toBe('OK')
  })

  test('B12: the last instance admin can be neither demoted nor disabled, however many admins there are', async () => {
    await using fixture = await open()
    const first = await fixture.admin()
    const second = await fixture.member('second', 'admin')
    const third = await fixture.member('third', 'admin')
    await fixture.identity.grantInstanceAdmin({ username: third.user.username })
    await fixture.users.update(first.actor, third.user.id, { disabled: true })
    for (const change of [{ role: 'operator' }, { role: 'readonly' }, { disabled: true }] as const) {
      expect(await codeOf(fixture.users.update(second.actor, first.user.id, change))).toBe('CONFLICT')
    }
    expect(await fixture.users.get(second.actor, first.user.id)).toMatchObject({
      role: 'admin',
      disabled: false,
    })
    await fixture.users.update(second.actor, third.user.id, { disabled: false })
    expect(await codeOf(fixture.users.update(second.actor, first.user.id, { disabled: true }))).toBe('OK')
    // Who is out already takes nothing along.
    expect(await codeOf(fixture.users.update(second.actor, first.user.id, { role: 'readonly' }))).toBe('OK')
    expect(await codeOf(fixture.users.update(second.actor, third.user.id, { role: 'operator' }))).toBe(
      'CONFLICT',
    )
  })

  test('B12: of two admins who demote each other at once, one is left', async () => {
    const { fixture, another } = await openTwo()
    await using _ = fixture
    const first = await fixture.admin()
    const second = await fixture.member('second', 'admin')
    await fixture.identity.grantInstanceAdmin({ username: second.user.username })
    const other = await another()
    // Each process knows already that its caller is an admin, so neither is refused before it comes to the change.
    await fixture.auth.me(first.actor)
    await other.auth.me(second.actor)
    const codes = await Promise.all([
      codeOf(fixture.users.update(first.actor, second.user.id, { role: 'readonly' })),
      codeOf(other.users.update(second.actor, first.user.id, { role: 'readonly' })),
    ])
    expect(codes.toSorted()).toEqual(['CONFLICT', 'OK'])
  })

  test('only an instance admin sets the audit scope', async () => {
    await using fixture = await open()
    const first = await fixture.admin()
    const second = await fixture.member('second', 'admin')
    const { user } = await fixture.member('op', 'operator')
    expect(await codeOf(fixture.users.update(second.actor, user.id, { auditScope: 'org' }))).toBe('FORBIDDEN')
    const updated = await fixture.users.update(first.actor, user.id, { auditScope: 'org' })
    expect(updated).toMatchObject({ auditScope: 'org', role: 'operator' })
    expect(await fixture.entries('user.audit_scope_changed')).toMatchObject([
      { facts: { from: 'own', to: 'org' } },
    ])
  })

  test('somebody on the machine makes another instance admin, who can replace the first', async () => {
    await using fixture = await open()
    const first = await fixture.admin()
    const second = await fixture.member('second', 'admin')
    const grant = (username: string) => fixture.identity.grantInstanceAdmin({ username })
    expect(await grant('SECOND')).toMatchObject({ id: second.user.id, role: 'admin' })
    await grant('second')
    expect(await fixture.entries('user.instance_admin_granted')).toMatchObject([
      { outcome: 'success', resourceId: second.user.id, details: { user: 'second' } },
    ])
    expect(await fixture.users.update(second.actor, first.user.id, { disabled: true })).toMatchObject({
      disabled: true,
    })
    await fixture.member('op', 'operator')
    expect(await codeOf(grant('root'))).toBe('CONFLICT')
    expect(await codeOf(grant('op'))).toBe('CONFLICT')
    expect(await codeOf(grant('nobody'))).toBe('NOT_FOUND')
    expect(await codeOf(grant('no spaces'))).toBe('VALIDATION_FAILED')
  })

  test('B15: the name of somebody who left stays taken, and an external user of that name is somebody else', async () => {
    await using fixture = await open()
    const admin = await fixture.admin()
    const { user } = await fixture.member('ada', 'operator')
    await fixture.users.update(admin.actor, user.id, { disabled: true })
    const again = { username: 'ADA', password: PASSWORD }
    expect(await codeOf(fixture.users.create(admin.actor, again))).toBe('CONFLICT')
    expect(await codeOf(fixture.auth.register(again, origin()))).toBe('CONFLICT')
    const outside = { issuer: 'idp', displayName: 'ada', role: 'operator' } as const
    const first = await fixture.identity.external.external({ ...outside, subject: '1' })
    const second = await fixture.identity.external.external({ ...outside, subject: '2' })
    expect(new Set([user.id, first.userId, second.userId]).size).toBe(3)
    expect(await codeOf(fixture.users.get(second, first.userId))).toBe('NOT_FOUND')
  })

  test('B16: a name that could be taken for another is refused, the same one, or somebody else altogether', async () => {
    await using fixture = await open()
    const { actor, user } = await fixture.admin()
    const create = (username: string) => fixture.users.create(actor, { username, password: PASSWORD })
    const likeRoot = [
      'root ',
      ' root',
      'root\0',
      'root\u0000x',
      'r\u043eot',
      '\uff52oot',
      'ro\u200bot',
      'root\n',
    ]
    for (const username of likeRoot) {
      expect(await codeOf(create(username))).toBe('VALIDATION_FAILED')
      expect(await codeOf(fixture.signIn(username, PASSWORD, origin(null)))).toBe('UNAUTHENTICATED')
    }
    expect(await codeOf(create('ROOT'))).toBe('CONFLICT')
    expect((await fixture.signIn('ROOT')).user.id).toBe(user.id)
    expect((await create('root.')).id).not.toBe(user.id)
    expect((await fixture.signIn('root.')).user).toMatchObject({ username: 'root.', role: 'readonly' })
  })

  test('an update that changes nothing leaves no entry, and unknown fields are refused', async () => {
    await using fixture = await open()
    const { actor, user } = await fixture.admin()
    const before = (await fixture.entries()).length
    expect(await fixture.users.update(actor, user.id, {})).toMatchObject({ id: user.id })
    expect(await fixture.users.update(actor, user.id, { role: 'admin' })).toMatchObject({ role: 'admin' })
    expect((await fixture.entries()).length).toBe(before)
    const strange = { role: 'admin', isInstanceAdmin: true } as { role: 'admin' }
    expect(await codeOf(fixture.users.update(actor, user.id, strange))).toBe('VALIDATION_FAILED')
  })

  test('refusals of one caller beyond 20 a minute become one entry', async () => {
    await using fixture = await open()
    await fixture.admin()
    const { actor, user } = await fixture.member('op', 'operator')
    for (let i = 0; i < 50; i += 1) await codeOf(fixture.users.list(actor))
    const denied = () => fixture.entries('access.denied')
    expect(await denied()).toHaveLength(20)
    await fixture.identity.flush()
    expect((await denied()).slice(20)).toMatchObject([
      { actorUserId: user.id, facts: { code: 'FORBIDDEN', count: 30 } },
    ])
    expect(await codeOf(fixture.users.list(actor))).toBe('FORBIDDEN')
    expect(await denied()).toHaveLength(22)
  })
})
