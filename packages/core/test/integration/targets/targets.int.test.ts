import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { startHostileSshServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import type { CredentialId, TargetId } from '../../../src/model/ids.js'
import type { KrownClient } from '../../../src/model/krown-client.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { krownStarter, refusalOf, startKrown } from '../../support/krown-fixture.js'
import { byToken } from './access-fixture.js'
import { addTarget, adminElsewhere, storePassword, UNKNOWN_TARGET } from './targets-fixture.js'

const NOWHERE = { host: '192.0.2.1', username: 'root', probe: false } as const
/** Something happens whenever a host is asked, before it answers. */
async function startInFrontOf({ host, port }: { host: string; port: number }, first: () => Promise<unknown>) {
  const server = createServer(async (socket) => {
    socket.on('error', () => undefined)
    await first()
    const onward = connect(port, host).on('error', () => socket.destroy())
    socket.pipe(onward).pipe(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')),
  }
}

const OTHER_KEY = 'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

describeOnBothDatabases('the inventory', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('T17: a token that may manage targets sends no stored credential anywhere and pins no key', async () => {
    await using rogue = await startHostileSshServer()
    await using fixture = await start()
    const { admin } = fixture
    const credentialId = await storePassword(admin, rogue)
    const input = { name: 'web1', host: '192.0.2.1', username: 'root' }
    const { id } = await admin.targets.create({ ...input, credentialId, probe: false })
    const { client } = await byToken(fixture, 'admin', { scopes: ['target:manage'] })
    const { host, port } = rogue
    const tries = [
      () => client.targets.create({ ...NOWHERE, name: 'two', credentialId }),
      () => client.targets.create({ ...input, name: 'two', host, port }),
      () => client.targets.create({ ...NOWHERE, name: 'two', hostKeyFingerprint: OTHER_KEY }),
      () => client.targets.update(id, { host, port }),
      () => client.targets.update(id, { username: 'other' }),
      () => client.targets.import({ targets: [{ name: 'two', host, username: 'x' }], credentialId }),
    ]
    for (const attempt of tries) expect(await refusalOf(attempt())).toMatchObject({ code: 'FORBIDDEN' })
    const moved = await client.targets.import({ targets: [{ name: 'web1', host, port, username: 'root' }] })
    expect(moved.items).toMatchObject([
      { outcome: 'refused', reason: expect.stringContaining('credential:manage') },
    ])
    expect(await client.targets.update(id, { tags: ['front'] })).toMatchObject({ tags: ['front'] })
    expect(await client.targets.create({ ...NOWHERE, name: 'three' })).toMatchObject({ name: 'three' })
    expect(rogue.connectionCount).toBe(0)
  })

  test('a new target is probed: its host key is pinned and told, and nobody signs in', async () => {
    await using peer = await startHostileSshServer()
    await using fixture = await start()
    const credentialId = await storePassword(fixture.admin, peer)
    const target = await addTarget(fixture.admin, peer, {
      credentialId,
      name: 'Web1',
      tags: ['prod', 'WEB', 'prod'],
    })
    expect(target).toEqual({
      id: expect.any(String),
      orgId: fixture.actors.admin.orgId,
      name: 'web1',
      host: '127.0.0.1',
      port: peer.port,
      username: 'krown',
      tags: ['prod', 'web'],
      credentialId,
      credentialName: expect.any(String),
      jumpTargetId: null,
      jumpTargetName: null,
      legacyAlgorithms: false,
      description: null,
      hostKeyFingerprints: [peer.hostKeyFingerprint],
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: target.createdAt,
    })
    expect(await fixture.admin.targets.get(target.id)).toEqual(target)
    expect(peer.connectionCount).toBe(1)
    expect(peer.authAttempts).toEqual([])
    const entries = await fixture.entries({ resourceId: target.id })
    expect(entries).toMatchObject([{ action: 'target.created', details: { target: 'web1' } }])
    const pins = await fixture.entries({ action: 'host_key.pinned' })
    expect(pins).toMatchObject([{ facts: { source: 'probe', scope: 'organization' } }])
  })

  test('without a probe nothing is dialled, and what is said of the host key is pinned', async () => {
    await using peer = await startHostileSshServer()
    await using fixture = await start()
    const [unpinned, pinned] = [
      await addTarget(fixture.admin, peer, { probe: false }),
      await addTarget(fixture.admin, peer, { probe: false, hostKeyFingerprint: OTHER_KEY }),
    ]
    expect(unpinned.hostKeyFingerprints).toEqual([])
    expect(pinned.hostKeyFingerprints).toEqual([OTHER_KEY])
    expect(peer.connectionCount).toBe(0)
  })

  test('a host that shows another key than was given, or than is pinned, does not become a target', async () => {
    await using peer = await startHostileSshServer()
    await using fixture = await start()
    const given = await refusalOf(addTarget(fixture.admin, peer, { hostKeyFingerprint: OTHER_KEY }))
    const told = { presented: peer.hostKeyFingerprint, expected: [OTHER_KEY] }
    expect(given).toMatchObject({ code: 'HOST_KEY_MISMATCH', details: told })
    const { host, port } = peer
    await fixture.admin.hostKeys.create({ host, port, fingerprint: OTHER_KEY })
    const pinned = await refusalOf(addTarget(fixture.admin, peer))
    expect(pinned).toMatchObject({ code: 'HOST_KEY_MISMATCH', details: told })
    expect((await fixture.admin.targets.list()).items).toEqual([])
    const entries = await fixture.entries({ action: 'target.create_failed' })
    expect(entries).toMatchObject([
      { outcome: 'denied', facts: { code: 'HOST_KEY_MISMATCH', ...told } },
      { outcome: 'denied', facts: { code: 'HOST_KEY_MISMATCH', ...told } },
    ])
  })

  test('a target that does not answer is not created, and that is journaled', async () => {
    await using fixture = await start()
    const peer = await startHostileSshServer()
    await peer.stop()
    const error = await refusalOf(addTarget(fixture.admin, peer, { name: 'gone' }))
    expect(error.code).toBe('TARGET_UNREACHABLE')
    expect((await fixture.admin.targets.list()).items).toEqual([])
    expect(await fixture.entries({ action: 'target.create_failed' })).toMatchObject([
      { outcome: 'failure', facts: { code: 'TARGET_UNREACHABLE' }, details: { target: 'gone' } },
    ])
  })

  test('nobody is asked for the key of a target that could not be created anyway', async () => {
    await using peer = await startHostileSshServer()
    await using fixture = await start()
    const { targets } = fixture.admin
    await targets.create({ ...NOWHERE, name: 'web1' })
    const { host, port } = peer
    const login = { host, port, username: 'root' }
    const unknown = UNKNOWN_TARGET as string as CredentialId
    const refused = [
      await refusalOf(targets.create({ ...login, name: 'WEB1' })),
      await refusalOf(targets.create({ ...login, name: 'web2', credentialId: unknown })),
      await refusalOf(targets.create({ ...login, name: 'web2', jumpTargetId: UNKNOWN_TARGET })),
    ]
    expect(refused.map(({ code }) => code)).toEqual(['CONFLICT', 'NOT_FOUND', 'NOT_FOUND'])
    expect(peer.connectionCount).toBe(0)
    expect(await fixture.entries({ action: 'target.create_failed' })).toEqual([])
  })

  test('a host that was asked for its key is journaled, whatever prevents the target then', async () => {
    await using peer = await startHostileSshServer()
    await using fixture = await start()
    const { targets } = fixture.admin
    await using asked = await startInFrontOf(peer, () => targets.create({ ...NOWHERE, name: 'web1' }))
    const login = { host: asked.host, port: asked.port, username: 'root' }
    expect(await refusalOf(targets.create({ ...login, name: 'web1' }))).toMatchObject({ code: 'CONFLICT' })
    expect(peer.connectionCount).toBe(1)
    expect(await fixture.entries({ action: 'target.create_failed' })).toMatchObject([
      { outcome: 'failure', facts: { code: 'CONFLICT' }, details: { target: 'web1', port: asked.port } },
    ])
  })

  test('B15, B16: names that differ in case are one name, which is free again when its target is gone', async () => {
    await using fixture = await start()
    const { targets } = fixture.admin
    const first = await targets.create({ ...NOWHERE, name: 'Web1' })
    for (const name of ['web1', 'WEB1']) {
      expect((await refusalOf(targets.create({ ...NOWHERE, name }))).code).toBe('CONFLICT')
    }
    const other = await targets.create({ ...NOWHERE, name: 'web1.' })
    expect((await refusalOf(targets.update(other.id, { name: 'WEB1' }))).code).toBe('CONFLICT')
    expect(await targets.delete(first.id)).toEqual(first)
    const again = await targets.create({ ...NOWHERE, name: 'WEB1' })
    expect(again.id).not.toBe(first.id)
    expect((await refusalOf(targets.get(first.id))).code).toBe('NOT_FOUND')
  })

  test('B16, E13: names, tags and hosts that could be taken for something else are refused by their field', async () => {
    await using fixture = await start()
    const { targets } = fixture.admin
    const fieldOf = async (changes: object) => {
      const input = { ...NOWHERE, name: 'fine', ...changes }
      const { code, details } = await refusalOf(targets.create(input as never))
      const fields = (details?.fields ?? []) as { path: string }[]
      return [code, fields.map(({ path }) => path)]
    }
    const bad = [
      ...['wеb1', 'web1\u0000', 'web 1', '-web', '', 'a'.repeat(129), 'web1\u200b'].map((name) => ({ name })),
      ...['x'.repeat(300), '-oProxyCommand=id', 'host;id', '$(id)', 'a b', 'ex\u0430mple.com'].map(
        (host) => ({ host }),
      ),
      { username: '-l' },
      { tags: ['a b'] },
      { port: 0 },
      { orgId: fixture.actors.admin.orgId },
    ]
    for (const changes of bad) {
      const [field = ''] = Object.keys(changes)
      const path = field === 'tags' ? 'tags.0' : field
      expect(await fieldOf(changes)).toEqual(['VALIDATION_FAILED', [path]])
    }
  })

  test('E01, E03, E04: what policy denies does not get into the inventory, by no door and no probe', async () => {
    await using peer = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { outbound: { allowLoopback: false } } } })
    const { targets } = fixture.admin
    const target = await targets.create({ ...NOWHERE, name: 'fine' })
    const hosts = ['127.0.0.1', 'localhost', '::1', '169.254.169.254', 'metadata.google.internal']
    for (const host of [...hosts, '::ffff:127.0.0.1', '64:ff9b::7f00:1', 'fe80::1%eth0']) {
      for (const probe of [true, false]) {
        const input = { host, port: peer.port, username: 'root', name: 'bad', probe }
        expect((await refusalOf(targets.create(input))).code).toBe('TARGET_POLICY_DENIED')
      }
      expect((await refusalOf(targets.update(target.id, { host }))).code).toBe('TARGET_POLICY_DENIED')
    }
    expect(peer.connectionCount).toBe(0)
    expect((await targets.list()).items).toEqual([target])
  })

  test('B04: nothing of another organization can be read, changed, named or told from what never was', async () => {
    await using fixture = await start()
    const elsewhere = await adminElsewhere(fixture)
    const theirs = await elsewhere.targets.create({ ...NOWHERE, name: 'theirs' })
    const theirSecret = await elsewhere.credentials.create({ name: 's', kind: 'password', password: 'x' })
    const { targets, sessions } = fixture.admin
    const mine = await targets.create({ ...NOWHERE, name: 'mine' })
    const auth = { method: 'password', password: 'x' } as const
    const named = (targetId: TargetId, credentialId: CredentialId) => [
      targets.get(targetId),
      targets.update(targetId, { name: 'x' }),
      targets.delete(targetId),
      targets.update(mine.id, { jumpTargetId: targetId }),
      targets.create({ ...NOWHERE, name: 'x', jumpTargetId: targetId }),
      targets.update(mine.id, { credentialId }),
      targets.create({ ...NOWHERE, name: 'x', credentialId }),
      sessions.open({ targetId, auth }),
    ]
    const absent = UNKNOWN_TARGET as string as CredentialId
    const refused = await Promise.all(named(theirs.id, theirSecret.id).map(refusalOf))
    const unknown = await Promise.all(named(UNKNOWN_TARGET, absent).map(refusalOf))
    const shown = ({ code, message, details }: (typeof refused)[number]) => ({ code, message, details })
    expect(refused.map(shown)).toEqual(unknown.map(shown))
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['NOT_FOUND']))
    const byName = await Promise.all(
      ['theirs', 'nobodys'].map((targetName) => refusalOf(sessions.open({ targetName, auth }))),
    )
    expect(byName.map(shown)).toEqual([shown(refused[0] as never), shown(refused[0] as never)])
    expect((await targets.list()).items).toEqual([mine])
  })

  test('a way through jump hosts neither closes nor grows beyond 8', async () => {
    await using fixture = await start()
    const { targets } = fixture.admin
    const chain = [await targets.create({ ...NOWHERE, name: 'hop-0' })]
    for (let place = 1; place <= 8; place += 1) {
      const jumpTargetId = chain.at(-1)?.id ?? null
      chain.push(await targets.create({ ...NOWHERE, name: `hop-${place}`, jumpTargetId }))
    }
    const [first, second, last] = [chain[0], chain[1], chain[8]]
    if (!first || !second || !last) throw new Error('the chain is too short')
    const tooFar = await refusalOf(targets.create({ ...NOWHERE, name: 'x', jumpTargetId: last.id }))
    expect(tooFar).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('8 jump hosts') })
    for (const jumpTargetId of [first.id, second.id, last.id]) {
      const error = await refusalOf(targets.update(first.id, { jumpTargetId }))
      expect(error).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('itself') })
    }
    const front = await targets.create({ ...NOWHERE, name: 'front' })
    const longer = await refusalOf(targets.update(first.id, { jumpTargetId: front.id }))
    expect(longer).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('8 jump hosts') })
    expect(await refusalOf(targets.delete(first.id))).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('hop-1'),
    })
    await targets.delete(last.id)
    await targets.update(first.id, { jumpTargetId: front.id })
  })

  test('of two admins who make each the jump host of the other, one is refused', async () => {
    await using fixture = await start()
    const { targets } = fixture.admin
    const [a, b] = [
      await targets.create({ ...NOWHERE, name: 'a' }),
      await targets.create({ ...NOWHERE, name: 'b' }),
    ]
    const outcomes = await Promise.allSettled([
      targets.update(a.id, { jumpTargetId: b.id }),
      targets.update(b.id, { jumpTargetId: a.id }),
    ])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('a change is journaled with what it changed, and one that changes nothing is not', async () => {
    await using fixture = await start()
    const { targets } = fixture.admin
    const { id, createdAt } = await targets.create({ ...NOWHERE, name: 'a', tags: ['x'] })
    await targets.update(id, {})
    await targets.update(id, { tags: ['X'], port: 22 })
    const changed = await targets.update(id, { tags: ['y'], host: 'B.example.com', legacyAlgorithms: true })
    expect(changed).toMatchObject({ tags: ['y'], host: 'b.example.com', legacyAlgorithms: true, createdAt })
    const entries = await fixture.entries({ action: 'target.updated' })
    expect(entries).toMatchObject([
      {
        facts: { changed: ['host', 'tags', 'legacyAlgorithms'], legacyAlgorithms: true },
        details: { host: 'b.example.com', before: { host: '192.0.2.1', tags: ['x'] } },
      },
    ])
    await targets.delete(id)
    expect(await fixture.entries({ action: 'target.deleted' })).toMatchObject([{ details: { target: 'a' } }])
  })

  test('what a credential or jump host is called is told to those who may see that one', async () => {
    await using fixture = await start()
    const { admin, operator } = fixture
    for (const { id } of (await admin.accessRules.list()).items) await admin.accessRules.delete(id)
    const { id: credentialId } = await admin.credentials.create({
      ...{ name: 'of the vault', kind: 'password', password: 'x' },
    })
    const login = { host: '127.0.0.1', port: 1, username: 'root', probe: false }
    const gate = await admin.targets.create({ name: 'gate', ...login })
    const more = { credentialId, jumpTargetId: gate.id }
    const { id: targetId } = await admin.targets.create({ name: 'web1', ...login, ...more })
    const namesFor = async ({ targets }: KrownClient) => {
      const told = [await targets.get(targetId), ...(await targets.list({ name: 'web1' })).items]
      return told.map(({ credentialName, jumpTargetName }) => [credentialName, jumpTargetName])
    }
    const allow = (selector: string) =>
      admin.accessRules.create({ subject: { kind: 'role', role: 'operator' }, selector, verbs: ['exec'] })
    const { client: reader } = await byToken(fixture, 'admin', { scopes: ['target:read'] })
    const twice = (names: (string | null)[]) => [names, names]
    expect(await namesFor(admin)).toEqual(twice(['of the vault', 'gate']))
    for (const client of [reader, fixture.as('auditor')])
      expect(await namesFor(client)).toEqual(twice([null, 'gate']))
    await allow('name:web*')
    expect(await namesFor(operator)).toEqual(twice([null, null]))
    await allow('name:gate')
    expect(await namesFor(operator)).toEqual(twice([null, 'gate']))
    const updated = await admin.targets.update(targetId, { description: 'new' })
    expect(updated).toMatchObject({ credentialName: 'of the vault', jumpTargetName: 'gate' })
  })

  test('a list is paged, and filtered by name, selector and what is in name, host or description', async () => {
    await using fixture = await start()
    const { targets } = fixture.admin
    const names = ['web1', 'web2', 'db1', 'db2', 'cache']
    for (const name of names) {
      const tags = [name.startsWith('web') ? 'front' : 'back']
      await targets.create({
        ...NOWHERE,
        host: `${name}.example.com`,
        name,
        tags,
        description: `Runs ${name}!`,
      })
    }
    const named = async (query: object) => (await targets.list(query)).items.map(({ name }) => name)
    expect(await named({})).toEqual([...names].reverse())
    expect(await named({ selector: 'tag:back and not name:db*' })).toEqual(['cache'])
    expect(await named({ search: 'RUNS WEB' })).toEqual(['web2', 'web1'])
    expect(await named({ search: 'db2.EXAMPLE' })).toEqual(['db2'])
    expect(await named({ name: 'WEB1' })).toEqual(['web1'])
    expect(await named({ name: 'web' })).toEqual([])
    const query = { selector: 'tag:back', limit: 2 }
    const first = await targets.list(query)
    const second = await targets.list({ ...query, cursor: first.nextCursor ?? undefined })
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(['cache', 'db2', 'db1'])
    expect(second.nextCursor).toBeNull()
    const strange = await refusalOf(targets.list({ cursor: first.nextCursor ?? undefined }))
    expect(strange.code).toBe('VALIDATION_FAILED')
    const unread = await refusalOf(targets.list({ selector: 'tag:(' }))
    expect(unread).toMatchObject({ code: 'VALIDATION_FAILED', details: { fields: [{ path: 'selector' }] } })
  })

  test('another process sees a change at once', async () => {
    await using opened = await openTestDatabase()
    if (opened.place.kind === 'sqlite') return
    await using one = await startKrown({ place: opened.place })
    await using other = await startKrown({ place: opened.place })
    const { id } = await one.admin.targets.create({ ...NOWHERE, name: 'seen' })
    expect((await other.admin.targets.list()).items).toMatchObject([{ id, name: 'seen' }])
    await one.admin.targets.update(id, { name: 'renamed' })
    expect(await other.admin.targets.get(id)).toMatchObject({ name: 'renamed' })
    await one.admin.targets.delete(id)
    expect((await other.admin.targets.list()).items).toEqual([])
  })
})
