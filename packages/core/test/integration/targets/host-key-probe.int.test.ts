import { generateKey, startHostileSshServer, startRawTcpServer, startSshd } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
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

  test('E12: counts as trying a host outside the inventory does, so that nobody scans by it', async () => {
    await using one = await startHostileSshServer()
    await using two = await startHostileSshServer()
    await using fixture = await startKrown({ config: { ssh: { maxAdhocHostsPerHour: 1 } } })
    const { operator, admin } = fixture
    await operator.hostKeys.probe(placeOf(one))
    await operator.hostKeys.probe(placeOf(one))
    expect(await refusalOf(operator.hostKeys.probe(placeOf(two)))).toMatchObject({ code: 'RATE_LIMITED' })
    expect(await refusalOf(fixture.open(two))).toMatchObject({ code: 'RATE_LIMITED' })
    expect(two.connectionCount).toBe(0)
    // Whoever may make an inventory of them.
    expect(await admin.hostKeys.probe(placeOf(two))).toMatchObject({ standing: 'unknown' })
    const probes = await fixture.entries({ action: 'host_key.probed' })
    expect(probes.map(({ outcome }) => outcome)).toEqual(['success', 'success', 'success'])
  })

  test('E12: obeys the outbound policy, and for who may only reach ad hoc hosts that of ad hoc hosts', async () => {
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
    expect(target.connectionCount).toBe(0)
    expect(await withPorts.admin.hostKeys.probe(place)).toMatchObject({ standing: 'unknown' })
    expect(await withoutAdhoc.admin.hostKeys.probe(place)).toMatchObject({ standing: 'unknown' })
    expect(await denying.entries({ action: 'host_key.probed' })).toMatchObject([
      { outcome: 'denied', facts: { code: 'TARGET_POLICY_DENIED' }, details: place },
    ])
  })
})
