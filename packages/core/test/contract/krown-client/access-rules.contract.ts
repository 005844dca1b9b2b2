import { expect, test } from 'vitest'
import type { CreateAccessRuleInput } from '../../../src/model/access-rule.js'
import type { AccessRuleId, TargetId, UserId } from '../../../src/model/ids.js'
import { refusal, UNKNOWN_ID, type World } from './world.js'

const RULE = {
  subject: { kind: 'role', role: 'operator' },
  selector: 'name:contract* tag:prod and not tag:db',
  verbs: ['watch', 'exec'],
} satisfies CreateAccessRuleInput

const fieldsOf = async (call: Promise<unknown>) => {
  const { code, details } = await refusal(call)
  expect(code).toBe('VALIDATION_FAILED')
  return details?.fields as { path: string; message: string }[]
}

export function accessRuleTests(world: () => World): void {
  test('an admin grants, lists, reads, changes and revokes access', async () => {
    const { admin } = world().clients
    const { accessRules } = admin
    const me = await admin.auth.me()
    const made = await accessRules.create(RULE)
    expect(made).toEqual({
      id: expect.any(String),
      orgId: me.orgId,
      ...RULE,
      subjectName: null,
      verbs: ['exec', 'watch'],
      remoteUsernames: null,
      expiresAt: null,
      reason: null,
      grantedBy: me.id,
      createdAt: expect.any(String),
    })
    expect(await accessRules.get(made.id)).toEqual(made)
    const change = {
      selector: '*',
      verbs: ['exec' as const],
      remoteUsernames: ['deploy', 'root'],
      expiresAt: '2099-01-31T01:00:00+01:00',
      reason: 'a release',
    }
    const changed = await accessRules.update(made.id, change)
    expect(changed).toEqual({ ...made, ...change, expiresAt: '2099-01-31T00:00:00.000Z' })
    expect(await accessRules.update(made.id, {})).toEqual(changed)
    const cleared = await accessRules.update(made.id, {
      remoteUsernames: null,
      expiresAt: null,
      reason: null,
    })
    expect(cleared).toEqual({ ...made, selector: '*', verbs: ['exec'] })
    expect(await accessRules.delete(made.id)).toEqual({ ...cleared, tokenUnlimited: false })
    expect(await refusal(accessRules.get(made.id))).toMatchObject({ code: 'NOT_FOUND' })
    expect(await refusal(accessRules.delete(made.id))).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('a list is newest first, by page and by user', async () => {
    const { admin, operator } = world().clients
    const { id: userId, username: subjectName } = await operator.auth.me()
    const [first, second] = [
      await admin.accessRules.create({ ...RULE, subject: { kind: 'user', userId } }),
      await admin.accessRules.create({ ...RULE, subject: { kind: 'user', userId } }),
    ]
    const page = await admin.accessRules.list({ userId, limit: 1 })
    expect(page.items).toEqual([second])
    expect(second).toMatchObject({ subjectName })
    const rest = await admin.accessRules.list({ userId, limit: 1, cursor: page.nextCursor ?? '' })
    expect(rest).toEqual({ items: [first], nextCursor: null })
    expect((await admin.accessRules.list({ limit: 200 })).items.length).toBeGreaterThan(2)
    for (const { id } of [first, second]) await admin.accessRules.delete(id)
  })

  test('what is no selector is refused with the place and what was expected; so is what has passed', async () => {
    const { accessRules } = world().clients.admin
    expect(await fieldsOf(accessRules.create({ ...RULE, selector: 'tag:prod and' }))).toEqual([
      { path: 'selector', message: expect.stringMatching(/^at its end \(12\): expected a term such as/) },
    ])
    expect(await fieldsOf(accessRules.create({ ...RULE, selector: 'env:prod' }))).toEqual([
      { path: 'selector', message: 'at character 1: expected name:, tag:, host: or user:' },
    ])
    expect(await fieldsOf(accessRules.create({ ...RULE, verbs: [] }))).toMatchObject([{ path: 'verbs' }])
    const passed = { ...RULE, expiresAt: '2001-01-01T00:00:00Z' }
    expect(await fieldsOf(accessRules.create(passed))).toMatchObject([{ path: 'expiresAt' }])
    const made = await accessRules.create(RULE)
    expect(await fieldsOf(accessRules.update(made.id, { selector: '(' }))).toMatchObject([
      { path: 'selector' },
    ])
    const subject = { ...RULE, subject: { kind: 'user', userId: UNKNOWN_ID as UserId } } as const
    expect(await refusal(accessRules.create(subject))).toMatchObject({ code: 'NOT_FOUND' })
    await accessRules.delete(made.id)
  })

  test('B02: auditors read rules, nobody but admins makes any, and others learn nothing of them', async () => {
    const { admin, operator, readonly, auditor } = world().clients
    const made = await admin.accessRules.create(RULE)
    const { id: targetId } = await admin.targets.create({
      name: 'contract-b02',
      host: '192.0.2.1',
      username: 'root',
      probe: false,
    })
    const question = { userId: (await operator.auth.me()).id, targetId, verb: 'exec' } as const
    expect(await auditor.accessRules.get(made.id)).toEqual(made)
    expect((await auditor.accessRules.list({ limit: 1 })).items).toEqual([made])
    expect(await auditor.accessRules.explain(question)).toMatchObject({ allowed: true })
    for (const { accessRules } of [operator, readonly]) {
      for (const call of [
        () => accessRules.list(),
        () => accessRules.get(made.id),
        () => accessRules.explain(question),
      ]) {
        expect(await refusal(call())).toMatchObject({ code: 'FORBIDDEN' })
      }
    }
    for (const { accessRules } of [operator, readonly, auditor]) {
      for (const call of [
        () => accessRules.create(RULE),
        () => accessRules.update(made.id, { selector: '*' }),
        () => accessRules.delete(made.id),
        () => accessRules.delete(UNKNOWN_ID as AccessRuleId),
      ]) {
        expect(await refusal(call())).toMatchObject({ code: 'FORBIDDEN' })
      }
    }
    expect(await admin.accessRules.delete(made.id)).toMatchObject(made)
    await admin.targets.delete(targetId)
  })

  test('explain names the rule that decides, or why there is none', async () => {
    const { admin, operator, readonly } = world().clients
    const { id: targetId } = await admin.targets.create({
      name: 'contract-explained',
      host: '192.0.2.1',
      username: 'root',
      probe: false,
    })
    const explain = async (client: typeof admin, changes = {}) =>
      admin.accessRules.explain({
        userId: (await client.auth.me()).id,
        targetId,
        verb: 'exec',
        ...changes,
      })
    const byRule = await explain(operator)
    expect(byRule).toMatchObject({ allowed: true, reason: 'rule', rule: { selector: '*', grantedBy: null } })
    expect(await explain(admin)).toEqual({ allowed: true, reason: 'admin', rule: null, token: null })
    expect(await explain(readonly)).toEqual({ allowed: false, reason: 'role', rule: null, token: null })
    const everything = byRule.rule?.id as AccessRuleId
    await admin.accessRules.update(everything, { remoteUsernames: ['app'] })
    expect(await explain(operator)).toEqual({ allowed: false, reason: 'no_rule', rule: null, token: null })
    expect(await explain(operator, { remoteUsername: 'app' })).toMatchObject({ rule: { id: everything } })
    await admin.accessRules.update(everything, { remoteUsernames: null })
    for (const absent of [{ userId: UNKNOWN_ID as UserId }, { targetId: UNKNOWN_ID as TargetId }]) {
      expect(await refusal(explain(operator, absent))).toMatchObject({ code: 'NOT_FOUND' })
    }
    await admin.targets.delete(targetId)
  })

  test('what is done with rules is journaled with what they say', async () => {
    const { admin } = world().clients
    const { id } = await admin.accessRules.create({ ...RULE, reason: 'a release' })
    await admin.accessRules.update(id, { verbs: ['exec'] })
    await admin.accessRules.update(id, {})
    await admin.accessRules.delete(id)
    const { items } = await admin.journal.list({ resourceId: id })
    const details = { selector: RULE.selector, remoteUsernames: null, reason: 'a release' }
    const subject = { kind: 'role', role: 'operator' }
    expect(items.reverse()).toMatchObject([
      {
        action: 'access_rule.granted',
        facts: { subject, verbs: ['exec', 'watch'], expiresAt: null },
        details,
      },
      { action: 'access_rule.changed', facts: { subject, verbs: ['exec'], expiresAt: null }, details },
      { action: 'access_rule.revoked', facts: { subject, verbs: ['exec'], expiresAt: null }, details },
    ])
  })
}
