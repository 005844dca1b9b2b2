import { FakeClock, startHostileSshServer, waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import type { CommandId, SessionId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { type KrownFixture, krownStarter, refusalOf } from '../../support/krown-fixture.js'
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
    expect(await running).toMatchObject({ status: 'cancelled', errorCode: 'FORBIDDEN' })
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

  test('when a rule is changed to fewer verbs, a running command that needs another is cancelled and says why; the session stays', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await withoutRules(await start())
    const { id } = await addServer(fixture, target)
    const rule = await grant(fixture, { verbs: ['exec', 'shell'] })
    const session = await openOn(fixture.operator, id, target)
    const ofAdmin = await openOn(fixture.admin, id, target)
    const [running, other] = [session.exec('hang'), ofAdmin.exec('hang')]
    await waitFor(() => target.execs.length === 2, { what: 'the commands' })
    await fixture.admin.accessRules.update(rule.id, { verbs: ['shell'] })
    const command = await running
    expect(command).toMatchObject({ status: 'cancelled', errorCode: 'FORBIDDEN' })
    expect(await fixture.admin.commands.get(command.id)).toMatchObject({ errorCode: 'FORBIDDEN' })
    expect(await fixture.entries({ action: 'command.finished' })).toMatchObject([
      { resourceId: command.id, facts: { status: 'cancelled', errorCode: 'FORBIDDEN' } },
    ])
    expect((await fixture.operator.sessions.get(session.id)).status).toBe('connected')
    await ofAdmin.close()
    expect(await other).toMatchObject({ status: 'cancelled', errorCode: null })
  })

  test('when the rule of one verb expires, a running command that needs it is cancelled within 5 s', async () => {
    await using target = await startHostileSshServer()
    const clock = new FakeClock()
    await using fixture = await withoutRules(await start({ clock, config: { ssh: { idleTimeout: '7d' } } }))
    const { id } = await addServer(fixture, target)
    await grant(fixture, { verbs: ['shell'] })
    await grant(fixture, { expiresAt: new Date(clock.now() + 60_000).toISOString() })
    const session = await openOn(fixture.operator, id, target)
    const running = session.exec('hang', { timeoutMs: 3_600_000 })
    await waitFor(() => target.execs.length === 1, { what: 'the command' })
    await clock.advanceAsync(59_999)
    await clock.advanceAsync(2_500)
    await clock.advanceAsync(2_500)
    expect(await running).toMatchObject({ status: 'cancelled', errorCode: 'FORBIDDEN' })
    expect((await fixture.operator.sessions.get(session.id)).status).toBe('connected')
  })

  test('of a disabled user: its commands say why they were cancelled', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const { id } = await addServer(fixture, target)
    const session = await openOn(fixture.operator, id, target)
    const running = session.exec('hang')
    await waitFor(() => target.execs.length === 1, { what: 'the command' })
    await fixture.admin.users.update(fixture.actors.operator.userId, { disabled: true })
    expect(await running).toMatchObject({ status: 'cancelled', errorCode: 'FORBIDDEN' })
  })

  test("of a disabled user: what it runs in other people's sessions is cancelled, and nothing else of these", async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { hostKeyPolicy: 'accept-new' } } })
    const { id } = await addServer(fixture, target)
    const { actor, client } = await secondAdmin(fixture)
    const adhoc = await fixture.open(target, { person: 'otherOperator' })
    for (const session of [await openOn(fixture.operator, id, target), adhoc]) {
      const before = target.execs.length
      const own = session.exec('hang')
      const foreign = await client.commands.start({ sessionId: session.id, command: 'hang' })
      await waitFor(() => target.execs.length === before + 2, { what: 'the commands' })
      await fixture.admin.users.update(actor.userId, { disabled: true })
      expect(await endOf(fixture, foreign.id)).toMatchObject({ status: 'cancelled', errorCode: 'FORBIDDEN' })
      expect((await fixture.admin.sessions.get(session.id)).status).toBe('connected')
      await fixture.admin.sessions.close(session.id)
      expect(await own).toMatchObject({ status: 'cancelled', errorCode: null })
      await fixture.admin.users.update(actor.userId, { disabled: false })
    }
  })

  test("of a demoted admin: what it runs in other people's sessions is cancelled, on ad hoc hosts as well", async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { hostKeyPolicy: 'accept-new' } } })
    const { id } = await addServer(fixture, target)
    const { actor, client } = await secondAdmin(fixture)
    const sessions = [
      await openOn(fixture.operator, id, target),
      await fixture.open(target, { person: 'otherOperator' }),
    ]
    const mine = await openOn(client, id, target)
    const run = ({ id: sessionId }: { id: SessionId }) =>
      client.commands.start({ sessionId, command: 'hang' })
    const commands = await Promise.all(sessions.map(run))
    const own = await run(mine)
    await waitFor(() => target.execs.length === 3, { what: 'the commands' })
    await fixture.admin.users.update(actor.userId, { role: 'operator' })
    for (const { id: commandId } of commands) {
      expect(await endOf(fixture, commandId)).toMatchObject({ status: 'cancelled', errorCode: 'FORBIDDEN' })
    }
    for (const session of sessions) {
      expect((await fixture.admin.sessions.get(session.id)).status).toBe('connected')
    }
    expect((await fixture.admin.commands.get(own.id, { waitMs: 0 })).status).toBe('running')
  })

  test('input into a running command is refused to an API token that rules keep from the target', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const { id } = await addServer(fixture, target)
    const session = await openOn(fixture.operator, id, target)
    const { id: commandId } = await fixture.operator.commands.start({
      sessionId: session.id,
      command: 'hang',
      stdinOpen: true,
    })
    const { tokenId, client } = await byToken(fixture, 'operator')
    await client.commands.write(commandId, 'seen')
    const subject = { kind: 'api_token', tokenId } as const
    await grant(fixture, { subject, selector: 'other*' })
    expect((await refusalOf(client.commands.write(commandId, 'unseen'))).code).toBe('NOT_FOUND')
    expect((await refusalOf(client.commands.closeStdin(commandId))).code).toBe('NOT_FOUND')
    await grant(fixture, { subject, selector: 'web1', verbs: ['shell'] })
    expect((await refusalOf(client.commands.write(commandId, 'unseen'))).code).toBe('FORBIDDEN')
    expect((await refusalOf(client.commands.closeStdin(commandId))).code).toBe('FORBIDDEN')
    await fixture.operator.commands.write(commandId, 'seen')
    await fixture.operator.commands.cancel(commandId)
  })

  test('of an API token: what came with the token ends when a rule of its own does, and when its owner may not any more', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await withoutRules(await start())
    const { id } = await addServer(fixture, target)
    const { tokenId, client } = await byToken(fixture, 'operator')
    const subject = { kind: 'api_token', tokenId } as const
    const ofOwner = await grant(fixture)
    const ofToken = await grant(fixture, { subject })
    const [session, byOwner] = [await openOn(client, id, target), await openOn(fixture.operator, id, target)]
    expect((await session.exec('true')).status).toBe('completed')
    await fixture.admin.accessRules.update(ofToken.id, { selector: 'other*' })
    expect(await reasonOfEnd(fixture, session.id)).toBe('access_ended')
    await fixture.admin.accessRules.update(ofToken.id, { selector: '*' })
    const again = await openOn(client, id, target)
    expect((await byOwner.exec('true')).status).toBe('completed')
    await fixture.admin.accessRules.delete(ofOwner.id)
    expect(await reasonOfEnd(fixture, again.id)).toBe('access_ended')
  })

  test('of an API token: its first rule ends what the rule does not allow, hosts outside the inventory among that', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { hostKeyPolicy: 'accept-new' } } })
    const { id } = await addServer(fixture, target)
    const { tokenId, client } = await byToken(fixture, 'operator')
    const { host, port, username, password } = target
    const adhoc = await client.sessions.open({ host, port, username, auth: { method: 'password', password } })
    const onTarget = await openOn(client, id, target)
    const mine = await openOn(fixture.operator, id, target)
    await grant(fixture, { subject: { kind: 'api_token', tokenId }, selector: 'other*' })
    expect(await reasonOfEnd(fixture, adhoc.id)).toBe('access_ended')
    expect(await reasonOfEnd(fixture, onTarget.id)).toBe('access_ended')
    expect((await mine.exec('true')).status).toBe('completed')
  })

  test('of an API token: without its last rule it has the rights of its owner, and what it opened stays', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const { id } = await addServer(fixture, target)
    const { tokenId, client } = await byToken(fixture, 'operator')
    const rule = await grant(fixture, { subject: { kind: 'api_token', tokenId } })
    const session = await openOn(client, id, target)
    expect((await fixture.admin.accessRules.delete(rule.id)).tokenUnlimited).toBe(true)
    expect((await session.exec('true')).status).toBe('completed')
  })

  test('with the API token whose rule allowed it: when it is revoked', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await withoutRules(await start())
    const { id } = await addServer(fixture, target)
    const [mine, other] = [await byToken(fixture, 'operator'), await byToken(fixture, 'otherOperator')]
    await grant(fixture)
    await grant(fixture, { subject: { kind: 'api_token', tokenId: mine.tokenId } })
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
    await grant(fixture)
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

async function secondAdmin({ krown }: KrownFixture) {
  const identity = { issuer: 'test', subject: 'second admin', displayName: 'second', role: 'admin' } as const
  const actor = await krown.actors.external(identity)
  return { actor, client: krown.as(actor) }
}

function endOf(fixture: KrownFixture, id: CommandId) {
  return waitFor(
    async () => {
      const command = await fixture.admin.commands.get(id, { waitMs: 0 })
      return command.status !== 'running' && command
    },
    { what: 'the end of the command' },
  )
}
