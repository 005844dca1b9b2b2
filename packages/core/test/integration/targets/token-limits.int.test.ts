import { type HostileSshServer, startHostileSshServer, waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import type { AccessVerb } from '../../../src/model/access-rule.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { eventsUntil } from '../../support/events.js'
import { type KrownFixture, krownStarter, type Person, refusalOf } from '../../support/krown-fixture.js'
import { addServer, addTarget, byToken, grant, openOn } from './access-fixture.js'

/** An API token with one rule: for web1. */
async function limited(fixture: KrownFixture, person: Person, verbs: AccessVerb[] = ['exec']) {
  const { tokenId, client } = await byToken(fixture, person)
  const rule = await grant(fixture, { subject: { kind: 'api_token', tokenId }, selector: 'web1', verbs })
  return { client, rule }
}

/** The server as web1 and as web2, with a session of the admin on each. */
async function openSessions(fixture: KrownFixture, server: HostileSshServer) {
  const web1 = await addServer(fixture, server)
  const web2 = await addServer(fixture, server, { name: 'web2' })
  return {
    near: await openOn(fixture.admin, web1.id, server),
    far: await openOn(fixture.admin, web2.id, server),
  }
}

const password = 'correct horse battery'

describeOnBothDatabases('an API token that access rules name', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('manages nothing that could get it around them, also when they have expired, and is told why', async () => {
    await using fixture = await start()
    const target = await addTarget(fixture, { name: 'web2' })
    const { userId } = fixture.actors.operator
    const { client } = await limited(fixture, 'admin')
    const place = { host: '127.0.0.1', port: 1 }
    const key = { ...place, fingerprint: `SHA256:${'a'.repeat(43)}`, reason: 'why' }
    const calls = {
      'rule:manage': () =>
        client.accessRules.create({ subject: { kind: 'user', userId }, selector: '*', verbs: ['exec'] }),
      'user:manage': () => client.users.create({ username: 'helper', password, role: 'operator' }),
      'target:manage': () => client.targets.update(target.id, { name: 'web1' }),
      'credential:manage': () => client.credentials.create({ name: 'root', kind: 'password', password }),
      'hostkey:manage': () => client.hostKeys.create(key),
    }
    for (const [permission, call] of Object.entries(calls)) {
      const refused = await refusalOf(call())
      expect(refused).toMatchObject({ code: 'FORBIDDEN', details: { permission } })
      expect(refused.message).toBe(
        `access rules name this API token, which therefore does not allow ${permission}: it could get around them`,
      )
    }
    const others = [
      () => client.invites.create({ role: 'operator' }),
      () => client.users.update(userId, { disabled: true }),
      () => client.targets.import({ targets: [{ name: 'web1', host: '127.0.0.2' }] }),
      () => client.hostKeys.probe(place),
      () => client.hostKeys.retrust({ targetIds: [target.id], reason: 'rebuilt' }),
    ]
    for (const call of others) expect((await refusalOf(call())).code).toBe('FORBIDDEN')
    expect((await fixture.admin.targets.get(target.id)).name).toBe('web2')
    expect((await client.accessRules.list()).items).toHaveLength(2)
  })

  test('manages as its owner does once no rule names it', async () => {
    await using fixture = await start()
    const { client, rule } = await limited(fixture, 'admin')
    await fixture.admin.accessRules.delete(rule.id)
    const { id } = await client.targets.create({
      name: 'db1',
      host: '127.0.0.1',
      port: 1,
      username: 'root',
      probe: false,
    })
    expect((await client.targets.get(id)).name).toBe('db1')
  })

  test('asks no host for its key that is not a target which it sees', async () => {
    await using server = await startHostileSshServer()
    await using fixture = await start()
    const { host, port } = server
    const { client, rule } = await limited(fixture, 'operator')
    expect(await refusalOf(client.hostKeys.probe({ host, port }))).toMatchObject({ code: 'FORBIDDEN' })
    await addServer(fixture, server, { name: 'web2' })
    expect(await refusalOf(client.hostKeys.probe({ host, port }))).toMatchObject({ code: 'FORBIDDEN' })
    expect((await fixture.operator.hostKeys.probe({ host, port })).standing).toBe('trusted')
    await fixture.admin.accessRules.update(rule.id, { selector: 'web2' })
    expect((await client.hostKeys.probe({ host, port })).standing).toBe('trusted')
  })

  test('reads, cancels and closes nothing on other targets, nor on hosts outside the inventory', async () => {
    await using server = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { hostKeyPolicy: 'accept-new' } } })
    const { near, far } = await openSessions(fixture, server)
    const adhoc = await fixture.open(server, { person: 'otherOperator' })
    const { client } = await limited(fixture, 'admin')
    for (const { id } of [far, adhoc]) {
      const { id: commandId } = await fixture.admin.commands.start({ sessionId: id, command: 'hang' })
      const refused = [
        () => client.sessions.get(id),
        () => client.sessions.close(id),
        () => client.sessions.execute(id, { command: 'true' }),
        () => client.sessions.events({ sessionId: id })[Symbol.asyncIterator]().next(),
        () => client.commands.get(commandId),
        () => client.commands.cancel(commandId),
        () => client.commands.output(commandId)[Symbol.asyncIterator]().next(),
        () => client.commands.list({ sessionId: id }),
      ]
      for (const call of refused) expect((await refusalOf(call())).code).toBe('NOT_FOUND')
      expect((await fixture.admin.commands.get(commandId)).status).toBe('running')
    }
    const { id: commandId } = await client.commands.start({ sessionId: near.id, command: 'hang' })
    expect((await client.sessions.list()).items.map(({ id }) => id)).toEqual([near.id])
    expect((await client.commands.list()).items.map(({ id }) => id)).toEqual([commandId])
    expect((await fixture.admin.commands.list()).items).toHaveLength(3)
    expect((await client.commands.cancel(commandId)).status).toBe('cancelled')
    expect((await client.sessions.close(near.id)).statusReason).toBe('closed_by_user')
    expect((await client.commands.get(commandId)).status).toBe('cancelled')
    expect((await client.sessions.get(near.id)).status).toBe('disconnected')
  })

  test('follows nothing that happens on other targets', async () => {
    await using server = await startHostileSshServer()
    await using fixture = await start()
    const { near, far } = await openSessions(fixture, server)
    const { client } = await limited(fixture, 'admin')
    const events = client.sessions.events()[Symbol.asyncIterator]()
    const first = eventsUntil(events, 'command_finished')
    await waitFor(async () => (await fixture.entries({ action: 'session.opened' })).length === 2, {
      what: 'the sessions to be journaled',
    })
    await fixture.admin.sessions.execute(far.id, { command: 'true' })
    await fixture.admin.sessions.execute(near.id, { command: 'true' })
    expect((await first).map((event) => event.sessionId)).toEqual([near.id, near.id])
    await events.return?.()
  })

  test('sees, but neither cancels nor closes what its rules do not allow with that verb or as that user', async () => {
    await using server = await startHostileSshServer()
    await using fixture = await start()
    const { near } = await openSessions(fixture, server)
    const { client, rule } = await limited(fixture, 'admin', ['watch'])
    const { id } = await fixture.admin.commands.start({ sessionId: near.id, command: 'hang' })
    const refusals = async () => [
      (await refusalOf(client.commands.cancel(id))).code,
      (await refusalOf(client.sessions.close(near.id))).code,
    ]
    expect((await client.commands.get(id)).status).toBe('running')
    expect(await refusals()).toEqual(['FORBIDDEN', 'FORBIDDEN'])
    await fixture.admin.accessRules.update(rule.id, { verbs: ['exec'], remoteUsernames: ['somebody'] })
    expect(await refusals()).toEqual(['FORBIDDEN', 'FORBIDDEN'])
    await fixture.admin.accessRules.update(rule.id, { verbs: ['shell'], remoteUsernames: null })
    expect((await refusalOf(client.commands.cancel(id))).code).toBe('FORBIDDEN')
    expect((await client.sessions.close(near.id)).status).toBe('disconnected')
  })
})
