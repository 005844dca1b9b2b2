import { generateKey, startHostileSshServer, startRawTcpServer, startSshd } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { KrownError } from '../../../src/errors/krown-error.js'
import type { SshConnector, SshProbeRequest } from '../../../src/ssh/connector.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { krownStarter, type Peer, refusalOf, startKrown } from '../../support/krown-fixture.js'
import { makeKey } from './known-host-keys-fixture.js'

const placeOf = ({ host, port }: { host: string; port: number }) => ({ host, port })

describeOnBothDatabases('a probe', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('shows the key of a host and what is known of it, pins nothing and signs in to nothing', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const { hostKeys } = fixture.admin
    const place = placeOf(target)
    const fingerprint = target.hostKeyFingerprint
    const seen = { ...place, viaTargetId: null, algorithm: 'ssh-ed25519', fingerprint }
    expect(await hostKeys.probe(place)).toEqual({ ...seen, standing: 'unknown' })
    expect((await hostKeys.list()).items).toEqual([])
    const pinned = await hostKeys.create({ ...place, fingerprint })
    expect(await hostKeys.probe(place)).toMatchObject({ standing: 'trusted' })
    await hostKeys.update(pinned.id, { mark: 'revoked', reason: 'leaked' })
    expect(await hostKeys.probe(place)).toMatchObject({ standing: 'revoked' })
    await hostKeys.delete(pinned.id)
    const other = makeKey()
    await hostKeys.create({ ...place, fingerprint: other.fingerprint })
    expect(await hostKeys.probe(place)).toMatchObject({ standing: 'changed' })
    expect(target.authAttempts).toEqual([])
    expect(await fixture.entries({ action: 'host_key.probed' })).toMatchObject([
      { outcome: 'success', facts: { presented: fingerprint, standing: 'unknown' }, details: place },
      { outcome: 'success', facts: { standing: 'trusted' } },
      { outcome: 'denied', facts: { standing: 'revoked' } },
      {
        outcome: 'denied',
        facts: { standing: 'changed', presented: fingerprint, expected: [other.fingerprint] },
      },
    ])
  })

  test('T19: by way of jump hosts checks the key of each, and records each key for its own hop', async () => {
    await using jump = await startSshd()
    await using target = await startSshd({ hostKeys: [generateKey({ type: 'ecdsa' })] })
    await using fixture = await start()
    const { hostKeys, targets, credentials } = fixture.admin
    const credential = await credentials.create({
      name: 'jump',
      kind: 'private_key',
      privateKey: jump.privateKey,
    })
    const login = (peer: Peer) => ({ host: peer.host, port: peer.port, username: peer.username })
    const hop = await targets.create({ name: 'jump', ...login(jump), credentialId: credential.id })
    const behind = await targets.create({ name: 'db', ...login(target), jumpTargetId: hop.id })
    const place = { ...placeOf(target), viaTargetId: hop.id }
    expect(await hostKeys.probe(place)).toMatchObject({ ...place, standing: 'trusted' })
    // The same host and port, dialled from here, is another place.
    expect(await hostKeys.probe(placeOf(target))).toMatchObject({ viaTargetId: null, standing: 'unknown' })
    const { items } = await hostKeys.list()
    expect(items).toMatchObject([
      {
        ...{ viaTargetId: hop.id, viaTargetName: 'jump', ownerName: null },
        ...{ fingerprint: target.hostKeyFingerprint, port: target.port },
      },
      { viaTargetId: null, viaTargetName: null, fingerprint: jump.hostKeyFingerprint, port: jump.port },
    ])
    expect(behind).toMatchObject({ jumpTargetName: 'jump', credentialName: null })
    expect((await targets.list({ name: 'jump' })).items).toMatchObject([{ credentialName: 'jump' }])
    const auth = { method: 'key', privateKey: target.privateKey } as const
    const session = await fixture.operator.sessions.open({ targetId: behind.id, auth })
    expect((await session.exec('echo there')).stdout).toBe('there\n')
    // A jump host that shows another key is refused, and nothing reaches what is behind it.
    const [ofJump] = items.filter(({ viaTargetId }) => viaTargetId === null)
    await hostKeys.update(ofJump?.id as never, { mark: 'revoked', reason: 'leaked' })
    const refused = await refusalOf(hostKeys.probe(place))
    expect(refused).toMatchObject({
      code: 'HOST_KEY_MISMATCH',
      details: { hop: 1, hopName: 'jump', presented: jump.hostKeyFingerprint },
    })
    expect(await refusalOf(fixture.operator.sessions.open({ targetId: behind.id, auth }))).toMatchObject({
      code: 'HOST_KEY_MISMATCH',
      details: { hop: 1 },
    })
    expect((await fixture.entries({ action: 'host_key.probed' })).at(-1)).toMatchObject({
      outcome: 'denied',
      facts: { code: 'HOST_KEY_MISMATCH', viaTargetId: hop.id, presented: jump.hostKeyFingerprint, hop: 1 },
    })
    expect(await refusalOf(fixture.operator.hostKeys.probe(place))).toMatchObject({ code: 'FORBIDDEN' })
  })
})

describe('a probe', () => {
  test('E14: says no more of what is no SSH server than opening a session does', async () => {
    await using fixture = await startKrown()
    for (const kind of ['http', 'smtp', 'tls-alert', 'echo', 'ssh-1.5'] as const) {
      await using server = await startRawTcpServer({ kind })
      const { host, port } = server
      const probed = await refusalOf(fixture.admin.hostKeys.probe({ host, port }))
      const auth = { method: 'password', password: 'x' } as const
      const opened = await refusalOf(fixture.admin.sessions.open({ host, port, username: 'x', auth }))
      const { sessionId, ...details } = opened.details ?? {}
      expect([kind, probed.code, probed.message]).toEqual([kind, 'TARGET_PROTOCOL_ERROR', opened.message])
      expect([sessionId, probed.details]).toEqual([expect.any(String), details])
    }
  })

  test('is in the journal before the first packet goes out, whatever it is made for', async () => {
    const before: unknown[] = []
    const key = { algorithm: 'ssh-ed25519', fingerprint: makeKey().fingerprint, blob: Buffer.alloc(0) }
    const sshConnector = {
      probeHostKey: async ({ host }: SshProbeRequest) => {
        const [last] = (await fixture.entries()).slice(-1)
        before.push([last?.action, last?.details?.host])
        if (host === 'gone.example.com') throw new KrownError('TARGET_UNREACHABLE', 'gone')
        return key
      },
      [Symbol.asyncDispose]: async () => undefined,
    } as unknown as SshConnector
    await using fixture = await startKrown({ parts: { sshConnector } })
    const { hostKeys, targets } = fixture.admin
    await hostKeys.probe({ host: 'a.example.com' })
    expect(await refusalOf(hostKeys.probe({ host: 'gone.example.com' }))).toBeInstanceOf(KrownError)
    const { id } = await targets.create({ name: 'web1', host: 'web1.example.com', username: 'x' })
    await hostKeys.retrust({ targetIds: [id], reason: 'rebuilt' })
    const asked = (host: string) => ['host_key.probing', host]
    expect(before).toEqual([
      asked('a.example.com'),
      asked('gone.example.com'),
      asked('web1.example.com'),
      asked('web1.example.com'),
    ])
    const actions = (await fixture.entries()).map(({ action }) => action)
    expect(actions.filter((action) => /^(host_key|target)\./.test(action))).toEqual([
      ...['host_key.probing', 'host_key.probed', 'host_key.probing', 'host_key.probed'],
      ...['host_key.probing', 'target.created', 'host_key.pinned', 'host_key.probing', 'host_key.probed'],
    ])
  })

  test('E12: counts as trying a host outside the inventory does, so that nobody scans by it', async () => {
    await using one = await startHostileSshServer()
    await using two = await startHostileSshServer()
    await using three = await startHostileSshServer()
    await using four = await startHostileSshServer()
    await using fixture = await startKrown({ config: { ssh: { maxAdhocHostsPerHour: 1 } } })
    const { operator, admin } = fixture
    await operator.hostKeys.probe(placeOf(one))
    await operator.hostKeys.probe(placeOf(one))
    expect(await refusalOf(operator.hostKeys.probe(placeOf(two)))).toMatchObject({ code: 'RATE_LIMITED' })
    expect(await refusalOf(fixture.open(two))).toMatchObject({ code: 'RATE_LIMITED' })
    expect(two.connectionCount).toBe(0)
    // Whoever may make an inventory of them, too; but making it is no such thing.
    await admin.hostKeys.probe(placeOf(one))
    for (const [name, peer] of Object.entries({ two, four })) {
      await admin.targets.create({ name, ...placeOf(peer), username: 'x' })
      expect(peer.connectionCount).toBe(1)
    }
    expect(await refusalOf(admin.hostKeys.probe(placeOf(three)))).toMatchObject({ code: 'RATE_LIMITED' })
    expect(three.connectionCount).toBe(0)
    // What is in the inventory is not counted any more, for those who see it there.
    expect(await admin.hostKeys.probe(placeOf(two))).toMatchObject({ standing: 'trusted' })
    expect(await operator.hostKeys.probe(placeOf(two))).toMatchObject({ standing: 'trusted' })
    const everybody = (await admin.accessRules.list()).items
    for (const { id } of everybody) await admin.accessRules.delete(id)
    expect(await refusalOf(operator.hostKeys.probe(placeOf(two)))).toMatchObject({ code: 'RATE_LIMITED' })
    expect(await fixture.entries({ action: 'target.create_failed' })).toEqual([])
    const probes = await fixture.entries({ action: 'host_key.probed' })
    expect(probes.map(({ outcome }) => outcome)).toEqual(probes.map(() => 'success'))
    expect(probes).toHaveLength(5)
  })

  test('E12: is counted in a window of its own, wherever the host is, and takes no session from anybody', async () => {
    const key = { algorithm: 'ssh-ed25519', fingerprint: makeKey().fingerprint, blob: Buffer.alloc(0) }
    const sshConnector = {
      probeHostKey: async () => key,
      connect: async () => {
        throw new KrownError('TARGET_UNREACHABLE', 'gone')
      },
      [Symbol.asyncDispose]: async () => undefined,
    } as unknown as SshConnector
    const config = { ssh: { maxSessionOpensPerMinute: 2 } }
    await using fixture = await startKrown({ config, parts: { sshConnector } })
    const { admin, operator } = fixture
    const auth = { method: 'password', password: 'x' } as const
    await admin.targets.create({ name: 'web1', host: 'web1.example.com', username: 'x' })
    const hosts = ['adhoc.example.com', 'web1.example.com']
    for (let n = 0; n < 60; n += 1) await operator.hostKeys.probe({ host: hosts[n % 2] ?? '' })
    for (const host of hosts) {
      expect(await refusalOf(operator.hostKeys.probe({ host }))).toMatchObject({
        code: 'RATE_LIMITED',
        message: 'you looked at too many host keys in a minute: try again later',
      })
    }
    const opened = await refusalOf(operator.sessions.open({ host: hosts[0] ?? '', username: 'x', auth }))
    expect(opened.code).toBe('TARGET_UNREACHABLE')
    await admin.hostKeys.probe({ host: 'web1.example.com' })
  })

  test('E12: obeys the outbound policy: that of ad hoc hosts for what is no target, whoever asks', async () => {
    await using target = await startHostileSshServer()
    const place = placeOf(target)
    await using denying = await startKrown({ config: { ssh: { outbound: { deny: ['127.0.0.0/8'] } } } })
    expect(await refusalOf(denying.admin.hostKeys.probe(place))).toMatchObject({
      code: 'TARGET_POLICY_DENIED',
    })
    await using withPorts = await startKrown({ config: { ssh: { outbound: { adhocPorts: [22] } } } })
    expect(await refusalOf(withPorts.operator.hostKeys.probe(place))).toMatchObject({
      code: 'TARGET_POLICY_DENIED',
    })
    await using withoutAdhoc = await startKrown({ config: { ssh: { allowAdhocHosts: false } } })
    expect(await refusalOf(withoutAdhoc.operator.hostKeys.probe(place))).toMatchObject({
      code: 'TARGET_POLICY_DENIED',
    })
    for (const { admin } of [withPorts, withoutAdhoc]) {
      expect(await refusalOf(admin.hostKeys.probe(place))).toMatchObject({ code: 'TARGET_POLICY_DENIED' })
    }
    expect(target.connectionCount).toBe(0)
    for (const { admin, operator } of [withPorts, withoutAdhoc]) {
      await admin.targets.create({ name: 'web1', ...place, username: 'x' })
      expect(await admin.hostKeys.probe(place)).toMatchObject({ standing: 'trusted' })
      expect(await operator.hostKeys.probe(place)).toMatchObject({ standing: 'trusted' })
    }
    expect(await denying.entries({ action: 'host_key.probed' })).toMatchObject([
      { outcome: 'denied', facts: { code: 'TARGET_POLICY_DENIED' }, details: place },
    ])
  })
})
