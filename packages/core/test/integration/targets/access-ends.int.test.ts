import { FakeClock, startHostileSshServer, waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import { describeOnBothDatabases } from '../../support/databases.js'
import { krownStarter, refusalOf } from '../../support/krown-fixture.js'
import { addServer, byToken, grant, openOn, reasonOfEnd, withoutRules } from './access-fixture.js'

const DAY_MS = 24 * 60 * 60_000

describeOnBothDatabases('access that ends', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('with its rule: the command is cancelled, the session ends, and no other begins', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await withoutRules(await start())
    const { id } = await addServer(fixture, target)
    const rule = await grant(fixture)
    const session = await openOn(fixture.operator, id, target)
    expect(session.session.targetId).toBe(id)
    const running = session.exec('hang')
    await waitFor(() => target.execs.length === 1, { what: 'the command' })
    await fixture.admin.accessRules.delete(rule.id)
    expect(await running).toMatchObject({ status: 'cancelled' })
    expect(await reasonOfEnd(fixture, session.id)).toBe('access_ended')
    expect((await refusalOf(session.exec('true'))).code).toBe('SESSION_NOT_CONNECTED')
    expect((await refusalOf(openOn(fixture.operator, id, target))).code).toBe('NOT_FOUND')
    expect(await fixture.entries({ action: 'session.closed' })).toMatchObject([
      { resourceId: session.id, facts: { reason: 'access_ended' } },
    ])
    expect(target.execs).toHaveLength(1)
  })

  test('with what is being opened: it is given up', async () => {
    await using stalling = await startHostileSshServer({ stallAt: 'auth' })
    await using fixture = await withoutRules(await start())
    const { id } = await addServer(fixture, stalling)
    const rule = await grant(fixture)
    const opening = refusalOf(openOn(fixture.operator, id, stalling))
    await waitFor(() => stalling.connections.length === 1, { what: 'the connection' })
    await fixture.admin.accessRules.delete(rule.id)
    expect(await opening).toMatchObject({ code: 'FORBIDDEN' })
    await waitFor(() => stalling.connections.length === 0, { what: 'the connection to be gone' })
  })

  test('does not end what another rule allows, nor what admins opened', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await withoutRules(await start())
    const { id } = await addServer(fixture, target)
    const rule = await grant(fixture)
    await grant(fixture, { selector: 'tag:prod' })
    const session = await openOn(fixture.operator, id, target)
    const ofAdmin = await openOn(fixture.admin, id, target)
    const narrow = await openOn(fixture.as('otherOperator'), id, target)
    await fixture.admin.accessRules.delete(rule.id)
    for (const one of [session, ofAdmin, narrow]) expect((await one.exec('true')).status).toBe('completed')
  })

  test('when the target is tagged otherwise, called otherwise or deleted; then for admins too', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await withoutRules(await start())
    const { id } = await addServer(fixture, target, { tags: ['prod'] })
    await grant(fixture, { selector: 'tag:prod web*' })
    const ofAdmin = await openOn(fixture.admin, id, target)
    for (const change of [{ tags: ['lab'] }, { name: 'db1' }]) {
      const session = await openOn(fixture.operator, id, target)
      await fixture.admin.targets.update(id, change)
      expect(await reasonOfEnd(fixture, session.id)).toBe('access_ended')
      await fixture.admin.targets.update(id, { tags: ['prod'], name: 'web1' })
    }
    const session = await openOn(fixture.operator, id, target)
    await fixture.admin.targets.delete(id)
    expect(await reasonOfEnd(fixture, session.id)).toBe('access_ended')
    expect(await reasonOfEnd(fixture, ofAdmin.id)).toBe('access_ended')
  })

  test('when a rule is changed to fewer verbs, the next command is refused, and the session stays for the others', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await withoutRules(await start())
    const { id } = await addServer(fixture, target)
    const rule = await grant(fixture, { verbs: ['exec', 'shell'] })
    const session = await openOn(fixture.operator, id, target)
    await fixture.admin.accessRules.update(rule.id, { verbs: ['shell'] })
    expect(await refusalOf(session.exec('true'))).toMatchObject({ code: 'FORBIDDEN' })
    expect(target.execs).toEqual([])
    expect((await fixture.operator.sessions.get(session.id)).status).toBe('connected')
    expect(await fixture.entries({ action: 'access.denied', resourceId: session.id })).toMatchObject([
      { facts: { permission: 'session:execute', code: 'FORBIDDEN' } },
    ])
  })

  test('when the rule expires: the next command is refused at that moment, and the session ends within 5 s', async () => {
    await using target = await startHostileSshServer()
    const clock = new FakeClock()
    await using fixture = await withoutRules(await start({ clock, config: { ssh: { idleTimeout: '7d' } } }))
    const { id } = await addServer(fixture, target)
    const expiresAt = new Date(clock.now() + 60_000).toISOString()
    await grant(fixture, { expiresAt })
    const session = await openOn(fixture.operator, id, target)
    await clock.advanceAsync(59_999)
    expect((await session.exec('true')).status).toBe('completed')
    await clock.advanceAsync(1)
    expect(['FORBIDDEN', 'SESSION_NOT_CONNECTED']).toContain((await refusalOf(session.exec('true'))).code)
    await clock.advanceAsync(2_000)
    await clock.advanceAsync(2_000)
    expect(await reasonOfEnd(fixture, session.id)).toBe('access_ended')
    expect(target.execs).toHaveLength(1)
    const late = grant(fixture, { expiresAt })
    expect(await refusalOf(late)).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { fields: [{ path: 'expiresAt', message: 'must be in the future' }] },
    })
    const far = await grant(fixture, { expiresAt: new Date(clock.now() + DAY_MS).toISOString() })
    await openOn(fixture.operator, id, target)
    await fixture.admin.accessRules.delete(far.id)
  })

  test('when another process deletes the rule: within a second for commands, within 5 s for the session', async () => {
    await using target = await startHostileSshServer()
    const clock = new FakeClock()
    await using fixture = await withoutRules(await start({ clock }))
    const { id } = await addServer(fixture, target)
    await grant(fixture)
    const session = await openOn(fixture.operator, id, target)
    expect((await session.exec('true')).status).toBe('completed')
    await fixture.db.deleteFrom('access_rules').execute()
    await fixture.db
      .updateTable('inventory_revisions')
      .set((eb) => ({ revision: eb('revision', '+', 1) }))
      .execute()
    await clock.advanceAsync(1_000)
    expect(['FORBIDDEN', 'SESSION_NOT_CONNECTED']).toContain((await refusalOf(session.exec('true'))).code)
    await clock.advanceAsync(2_000)
    expect(await reasonOfEnd(fixture, session.id)).toBe('access_ended')
    expect(target.execs).toHaveLength(1)
  })

  test('of an API token: what came with the token ends, and its owner cannot use what it opened', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await withoutRules(await start())
    const { id } = await addServer(fixture, target)
    const { tokenId, client } = await byToken(fixture, 'operator')
    const rule = await grant(fixture, { subject: { kind: 'api_token', tokenId } })
    const session = await openOn(client, id, target)
    expect((await session.exec('true')).status).toBe('completed')
    const byOwner = fixture.operator.sessions.execute(session.id, { command: 'true' })
    expect((await refusalOf(byOwner)).code).toBe('FORBIDDEN')
    await fixture.admin.accessRules.delete(rule.id)
    expect(await reasonOfEnd(fixture, session.id)).toBe('access_ended')
  })

  test('with the API token whose rule allowed it: when it is revoked', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await withoutRules(await start())
    const { id } = await addServer(fixture, target)
    const [mine, other] = [await byToken(fixture, 'operator'), await byToken(fixture, 'otherOperator')]
    await grant(fixture, { subject: { kind: 'api_token', tokenId: mine.tokenId } })
    await grant(fixture, { subject: { kind: 'user', userId: fixture.actors.otherOperator.userId } })
    const session = await openOn(mine.client, id, target)
    const byRuleOfOwner = await openOn(other.client, id, target)
    await fixture.as('otherOperator').tokens.revoke(other.tokenId)
    await fixture.operator.tokens.revoke(mine.tokenId)
    expect(await reasonOfEnd(fixture, session.id)).toBe('access_ended')
    expect((await fixture.admin.sessions.get(byRuleOfOwner.id)).status).toBe('connected')
  })

  test('with the API token whose rule allowed it: within 5 s after it expired', async () => {
    await using target = await startHostileSshServer()
    const clock = new FakeClock()
    await using fixture = await withoutRules(await start({ clock }))
    const { id } = await addServer(fixture, target)
    const expiresAt = new Date(clock.now() + 60_000).toISOString()
    const { tokenId, client } = await byToken(fixture, 'operator', { expiresAt })
    await grant(fixture, { subject: { kind: 'api_token', tokenId } })
    const session = await openOn(client, id, target)
    await clock.advanceAsync(59_999)
    expect((await fixture.admin.sessions.get(session.id)).status).toBe('connected')
    await clock.advanceAsync(2_500)
    await clock.advanceAsync(2_500)
    expect(await reasonOfEnd(fixture, session.id)).toBe('access_ended')
  })

  test('with the role by which it was given', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await withoutRules(await start())
    const { id } = await addServer(fixture, target)
    await grant(fixture)
    const session = await openOn(fixture.operator, id, target)
    await fixture.admin.users.update(fixture.actors.operator.userId, { role: 'readonly' })
    expect(await reasonOfEnd(fixture, session.id)).toBe('access_ended')
  })
})
