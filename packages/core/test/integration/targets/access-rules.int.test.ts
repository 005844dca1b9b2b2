import { FakeClock } from '@krown/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import { findInventoryRevision } from '../../../src/db/repositories/inventory-revision.repository.js'
import {
  ACCESS_VERBS,
  type CreateAccessRuleInput,
  type UpdateAccessRuleInput,
} from '../../../src/model/access-rule.js'
import type { AccessRuleId, ApiTokenId, TargetId, UserId } from '../../../src/model/ids.js'
import type { KrownClient } from '../../../src/model/krown-client.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { type KrownFixture, krownStarter, refusalOf } from '../../support/krown-fixture.js'
import { addTarget, byToken, foreigner, grant, withoutRules } from './access-fixture.js'

/** What the body of a refusal is made of. */
const bodyOf = async (promise: Promise<unknown>) => {
  const { code, message, details } = await refusalOf(promise)
  return { code, message, details }
}

const auth = { method: 'password', password: 'x' } as const
const namesSeenBy = async (client: KrownClient) =>
  (await client.targets.list()).items.map(({ name }) => name).sort()

describeOnBothDatabases('access rules', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('a new organization has one rule, by which operators see every target', async () => {
    await using fixture = await start()
    expect((await fixture.admin.accessRules.list()).items).toMatchObject([
      {
        subject: { kind: 'role', role: 'operator' },
        selector: '*',
        // What others do is not among it.
        verbs: ['exec', 'shell', 'transfer'],
        remoteUsernames: null,
        expiresAt: null,
        grantedBy: null,
      },
    ])
    await addTarget(fixture, {})
    expect(await namesSeenBy(fixture.operator)).toEqual(['web1'])
  })

  test('B02: once it is deleted, operators have nothing: a target is refused like one that never was', async () => {
    await using fixture = await withoutRules(await start())
    const { id } = await addTarget(fixture, {})
    const { operator } = fixture
    const absent = newId<TargetId>()
    expect(await namesSeenBy(operator)).toEqual([])
    const refused = await bodyOf(operator.targets.get(id))
    expect(refused).toEqual({ code: 'NOT_FOUND', message: 'target not found', details: undefined })
    expect(await bodyOf(operator.targets.get(absent))).toEqual(refused)
    expect(await bodyOf(operator.sessions.open({ targetId: id, auth }))).toEqual(refused)
    expect(await bodyOf(operator.sessions.open({ targetId: absent, auth }))).toEqual(refused)
    expect(await bodyOf(operator.sessions.open({ targetName: 'web1', auth }))).toEqual(refused)
    expect(await fixture.entries({ action: 'access.denied', resourceId: id })).toMatchObject([
      { outcome: 'denied', facts: { permission: 'target:read', code: 'NOT_FOUND' } },
      { outcome: 'denied', facts: { permission: 'target:use', code: 'NOT_FOUND' } },
    ])
    expect(await namesSeenBy(fixture.admin)).toEqual(['web1'])
  })

  test('B02: a target that is visible, but not to be used so, is FORBIDDEN, and that is journaled', async () => {
    await using fixture = await withoutRules(await start())
    const { id } = await addTarget(fixture, { username: 'root' })
    await grant(fixture, { verbs: ['watch'] })
    await grant(fixture, { remoteUsernames: ['deploy'] })
    expect(await namesSeenBy(fixture.operator)).toEqual(['web1'])
    const open = (username?: string) => fixture.operator.sessions.open({ targetId: id, auth, username })
    expect(await bodyOf(open())).toMatchObject({ code: 'FORBIDDEN', details: { targetUsername: 'root' } })
    expect((await bodyOf(open('deploy'))).code).toMatch(/^TARGET_/)
    expect(await fixture.entries({ action: 'access.denied', resourceId: id })).toMatchObject([
      { facts: { permission: 'target:use', code: 'FORBIDDEN' } },
    ])
  })

  test('an API token that rules name sees what its owner and one of its own rules show; another what its owner does', async () => {
    await using fixture = await withoutRules(await start())
    for (const name of ['web1', 'web2', 'db1']) await addTarget(fixture, { name })
    const [{ tokenId, client }, other] = [
      await byToken(fixture, 'operator'),
      await byToken(fixture, 'operator'),
    ]
    const { userId } = fixture.actors.operator
    await grant(fixture, { subject: { kind: 'user', userId }, selector: 'web*' })
    expect(await namesSeenBy(client)).toEqual(['web1', 'web2'])
    const rule = await grant(fixture, { subject: { kind: 'api_token', tokenId }, selector: 'db* or web1' })
    expect(await namesSeenBy(fixture.operator)).toEqual(['web1', 'web2'])
    expect(await namesSeenBy(other.client)).toEqual(['web1', 'web2'])
    expect(await namesSeenBy(client)).toEqual(['web1'])
    expect(await fixture.admin.accessRules.delete(rule.id)).toEqual({ ...rule, tokenUnlimited: true })
    expect(await namesSeenBy(client)).toEqual(['web1', 'web2'])
    expect(await fixture.entries({ action: 'access_rule.revoked', resourceId: rule.id })).toMatchObject([
      { facts: { tokenUnlimited: true } },
    ])
  })

  test('an API token opens what both its owner and a rule of its own allow with the same verb and as the same user', async () => {
    await using fixture = await withoutRules(await start())
    const { id: targetId } = await addTarget(fixture, {})
    const { tokenId, client } = await byToken(fixture, 'operator')
    const { userId } = fixture.actors.operator
    const ofUser = await grant(fixture, { subject: { kind: 'user', userId }, verbs: ['shell'] })
    const ofToken = await grant(fixture, { subject: { kind: 'api_token', tokenId }, verbs: ['exec'] })
    const open = async (username?: string) =>
      (await refusalOf(client.sessions.open({ targetId, auth, username }))).code
    expect(await open()).toBe('FORBIDDEN')
    await fixture.admin.accessRules.update(ofUser.id, { verbs: ['exec'], remoteUsernames: ['deploy'] })
    expect([await open(), await open('deploy')]).toEqual(['FORBIDDEN', expect.stringMatching(/^TARGET_/)])
    await fixture.admin.accessRules.update(ofToken.id, { remoteUsernames: ['root'] })
    expect([await open(), await open('deploy')]).toEqual(['FORBIDDEN', 'FORBIDDEN'])
  })

  test("an expired rule of an API token goes on to limit it, and an admin's token is limited like others", async () => {
    const clock = new FakeClock()
    await using fixture = await withoutRules(await start({ clock }))
    for (const name of ['web1', 'db1']) await addTarget(fixture, { name })
    const { tokenId, client } = await byToken(fixture, 'admin')
    expect(await namesSeenBy(client)).toEqual(['db1', 'web1'])
    const subject = { kind: 'api_token', tokenId } as const
    const expiresAt = new Date(clock.now() + 60_000).toISOString()
    const rule = await grant(fixture, { subject, selector: 'web*', expiresAt })
    expect(await namesSeenBy(client)).toEqual(['web1'])
    await clock.advanceAsync(60_000)
    expect(await namesSeenBy(client)).toEqual([])
    const second = await grant(fixture, { subject, selector: 'db*' })
    expect(await fixture.admin.accessRules.delete(second.id)).toMatchObject({ tokenUnlimited: false })
    expect(await namesSeenBy(client)).toEqual([])
    expect(await fixture.admin.accessRules.delete(rule.id)).toMatchObject({ tokenUnlimited: true })
    expect(await namesSeenBy(client)).toEqual(['db1', 'web1'])
  })

  test('an API token cannot have its own limits taken away: while rules name it, it makes, changes and deletes none', async () => {
    await using fixture = await start()
    const { tokenId, client } = await byToken(fixture, 'admin')
    const other = await byToken(fixture, 'admin')
    const subject = { kind: 'api_token', tokenId } as const
    const rule = await grant(fixture, { subject, selector: 'web*' })
    const { accessRules } = client
    const refused = [
      () => accessRules.create({ subject, selector: '*', verbs: ['exec'] }),
      () => accessRules.update(rule.id, { selector: '*' }),
      () => accessRules.delete(rule.id),
    ]
    for (const call of refused) expect((await refusalOf(call())).code).toBe('FORBIDDEN')
    expect(await fixture.admin.accessRules.get(rule.id)).toEqual(rule)
    expect(await other.client.accessRules.delete(rule.id)).toMatchObject({ tokenUnlimited: true })
  })

  test('an API token that rules name reaches no host outside the inventory', async () => {
    await using fixture = await withoutRules(await start())
    const { tokenId, client } = await byToken(fixture, 'admin')
    const open = () => refusalOf(client.sessions.open({ host: '127.0.0.1', port: 1, username: 'root', auth }))
    expect((await open()).code).toMatch(/^TARGET_/)
    await grant(fixture, { subject: { kind: 'api_token', tokenId } })
    expect(await open()).toMatchObject({ code: 'FORBIDDEN', details: { permission: 'target:use' } })
    const adhoc = { host: '127.0.0.1', port: 1, targetUsername: 'root' }
    expect(await fixture.entries({ action: 'access.denied' })).toMatchObject([{ details: adhoc }])
  })

  test('explain names the rule of the user and that of the token, or says which of the two is missing', async () => {
    const clock = new FakeClock()
    await using fixture = await withoutRules(await start({ clock }))
    const { id: targetId } = await addTarget(fixture, {})
    const expiresAt = new Date(clock.now() + 60_000).toISOString()
    const { tokenId } = await byToken(fixture, 'operator', { expiresAt })
    const { userId } = fixture.actors.operator
    const explain = (changes = {}) =>
      fixture.admin.accessRules.explain({ userId, tokenId, targetId, verb: 'exec', ...changes })
    expect(await explain()).toEqual({ allowed: false, reason: 'no_rule', rule: null, token: null })
    const ofToken = await grant(fixture, {
      subject: { kind: 'api_token', tokenId },
      verbs: ['exec', 'watch'],
    })
    const half = { allowed: false, reason: 'no_rule', rule: null, token: { rule: ofToken } }
    expect(await explain()).toEqual(half)
    expect(await explain({ verb: 'shell' })).toEqual({ ...half, token: { rule: null } })
    const rule = await grant(fixture, { subject: { kind: 'user', userId }, verbs: ['exec', 'shell'] })
    expect(await explain()).toEqual({ allowed: true, reason: 'rule', rule, token: { rule: ofToken } })
    const other = { allowed: false, reason: 'no_token_rule', rule, token: { rule: null } }
    expect(await explain({ verb: 'shell' })).toEqual(other)
    expect(await explain({ tokenId: undefined })).toEqual({
      ...other,
      allowed: true,
      reason: 'rule',
      token: null,
    })
    const { userId: stranger } = fixture.actors.otherOperator
    expect((await refusalOf(explain({ userId: stranger }))).code).toBe('NOT_FOUND')
    expect((await refusalOf(explain({ tokenId: newId<ApiTokenId>() }))).code).toBe('NOT_FOUND')
    await clock.advanceAsync(60_000)
    expect(await explain()).toEqual({ allowed: false, reason: 'token_ended', rule: null, token: null })
  })

  test('a change is journaled and raises the revision, and one that changes nothing does neither', async () => {
    await using fixture = await start()
    const { accessRules } = fixture.admin
    const expiresAt = '2099-01-01T00:00:00.000Z'
    const rule = await grant(fixture, {
      verbs: ['exec', 'shell'],
      reason: 'why',
      remoteUsernames: ['a'],
      expiresAt,
    })
    const revision = () => findInventoryRevision(fixture.db, rule.orgId)
    const before = await revision()
    const same = {
      ...{ selector: '*', verbs: ['shell', 'exec', 'exec'], reason: 'why', remoteUsernames: ['a'] },
      expiresAt: '2099-01-01T01:00:00+01:00',
    } satisfies UpdateAccessRuleInput
    for (const input of [same, { reason: 'why' }, { expiresAt }])
      expect(await accessRules.update(rule.id, input)).toEqual(rule)
    expect(await revision()).toBe(before)
    expect(await fixture.entries({ action: 'access_rule.changed' })).toEqual([])
    for (const input of [
      { verbs: ['exec'] },
      { reason: null },
      { remoteUsernames: null },
      { expiresAt: null },
    ])
      await accessRules.update(rule.id, input as UpdateAccessRuleInput)
    expect(await revision()).toBe(before + 4)
    expect(await fixture.entries({ resourceId: rule.id })).toHaveLength(1 + 4)
  })

  test('a rule does not lift what the role never may', async () => {
    await using fixture = await withoutRules(await start())
    const { id: targetId } = await addTarget(fixture, {})
    const { userId } = fixture.actors.readonly
    await grant(fixture, { subject: { kind: 'user', userId } })
    const refused = await refusalOf(fixture.as('readonly').sessions.open({ targetId, auth }))
    expect(refused.code).toBe('FORBIDDEN')
    const decision = await fixture.admin.accessRules.explain({ userId, targetId, verb: 'exec' })
    expect(decision).toEqual({ allowed: false, reason: 'role', rule: null, token: null })
  })

  test('B04: what another organization has is refused like what never was, and its rules count nowhere else', async () => {
    await using fixture = await withoutRules(await start())
    const { id: targetId } = await addTarget(fixture, {})
    const rule = await grant(fixture)
    const { tokenId } = await byToken(fixture, 'operator')
    const { userId } = fixture.actors.operator
    const { accessRules } = fixture.krown.as(await foreigner(fixture, 'admin'))
    expect((await accessRules.list()).items).toMatchObject([{ selector: '*', grantedBy: null }])
    const asked = [
      [(id: AccessRuleId) => accessRules.get(id), rule.id, newId<AccessRuleId>()],
      [(id: AccessRuleId) => accessRules.update(id, { selector: 'x' }), rule.id, newId<AccessRuleId>()],
      [(id: AccessRuleId) => accessRules.delete(id), rule.id, newId<AccessRuleId>()],
    ] as const
    for (const [ask, foreign, absent] of asked) {
      const refused = await bodyOf(ask(foreign))
      expect(refused).toMatchObject({ code: 'NOT_FOUND' })
      expect(await bodyOf(ask(absent))).toEqual(refused)
    }
    const create = (subject: CreateAccessRuleInput['subject']) =>
      bodyOf(accessRules.create({ subject, selector: '*', verbs: ['exec'] }))
    expect(await create({ kind: 'user', userId })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await create({ kind: 'user', userId })).toEqual(
      await create({ kind: 'user', userId: newId<UserId>() }),
    )
    expect(await create({ kind: 'api_token', tokenId })).toEqual(
      await create({ kind: 'api_token', tokenId: newId<ApiTokenId>() }),
    )
    const explain = (user: UserId, target: TargetId) =>
      bodyOf(accessRules.explain({ userId: user, targetId: target, verb: 'exec' }))
    expect(await explain(userId, targetId)).toEqual(await explain(newId<UserId>(), targetId))
    expect(await namesSeenBy(fixture.operator)).toEqual(['web1'])
    expect(await fixture.admin.accessRules.get(rule.id)).toEqual(rule)
  })

  test('an organization has at most 5,000 rules', async () => {
    await using fixture = await withoutRules(await start())
    const { orgId } = fixture.actors.admin
    const row = { org_id: orgId, subject_kind: 'role', subject_id: 'operator', selector: 'x' } as const
    for (let i = 0; i < 10; i += 1) {
      const rows = Array.from({ length: i === 9 ? 499 : 500 }, () => ({
        ...row,
        id: newId<AccessRuleId>(),
        verbs: 'exec',
        created_at: 0,
      }))
      await fixture.db.insertInto('access_rules').values(rows).execute()
    }
    await grant(fixture, { selector: 'web1' })
    expect(await refusalOf(grant(fixture))).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      details: { limit: 5_000 },
    })
    await addTarget(fixture, {})
    expect(await namesSeenBy(fixture.operator)).toEqual(['web1'])
  })

  test('T5: lists have what get answers, and explain says what open does, whatever the rules', async () => {
    await using fixture = await withoutRules(await start())
    const { userId } = fixture.actors.operator
    const targets = await addTargets(fixture)
    await fc.assert(
      fc.asyncProperty(fc.array(ruleFor(userId), { maxLength: 4 }), async (rules) => {
        for (const rule of rules) await fixture.admin.accessRules.create(rule)
        const listed = (await fixture.operator.targets.list()).items.map(({ id }) => id)
        for (const { id } of targets) {
          const got = await fixture.operator.targets.get(id).catch(() => undefined)
          expect(got !== undefined).toBe(listed.includes(id))
          for (const username of ['root', 'app']) await expectAgreement(fixture, id, username)
        }
        await withoutRules(fixture)
      }),
      { numRuns: 6 },
    )
  })
})

function addTargets(fixture: KrownFixture) {
  const inputs = [
    { name: 'web1', tags: ['prod'] },
    { name: 'web2', tags: [] },
    { name: 'db1', tags: ['prod', 'db'] },
  ]
  return Promise.all(inputs.map((input) => addTarget(fixture, input)))
}

const ruleFor = (userId: UserId): fc.Arbitrary<CreateAccessRuleInput> =>
  fc.record({
    subject: fc.constantFrom(
      { kind: 'user' as const, userId },
      { kind: 'role' as const, role: 'operator' as const },
      { kind: 'role' as const, role: 'readonly' as const },
    ),
    selector: fc.constantFrom('web*', 'tag:prod', 'not tag:db', 'db1 or web2', 'tag:prod tag:db'),
    verbs: fc.uniqueArray(fc.constantFrom(...ACCESS_VERBS), { minLength: 1 }),
    remoteUsernames: fc.option(fc.constantFrom(['root'], ['app'])),
  })

/** Nobody answers at the targets: who may use one is refused only then, and for another reason. */
async function expectAgreement(fixture: KrownFixture, targetId: TargetId, username: string): Promise<void> {
  const { userId } = fixture.actors.operator
  const opening = await refusalOf(fixture.operator.sessions.open({ targetId, auth, username }))
  const isRefused = ['NOT_FOUND', 'FORBIDDEN'].includes(opening.code)
  const decisions = await Promise.all(
    (['exec', 'shell', 'transfer'] as const).map((verb) =>
      fixture.admin.accessRules.explain({ userId, targetId, verb, remoteUsername: username }),
    ),
  )
  expect(decisions.some(({ allowed }) => allowed)).toBe(!isRefused)
  for (const { allowed, reason, rule } of decisions) {
    expect(reason).toBe(allowed ? 'rule' : 'no_rule')
    expect(rule !== null).toBe(allowed)
  }
}
