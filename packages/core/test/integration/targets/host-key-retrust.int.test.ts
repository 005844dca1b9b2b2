import { FakeClock, generateKey, startHostileSshServer, startSshd, waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import type { TargetId } from '../../../src/model/ids.js'
import type { SshConnector, SshProbeRequest } from '../../../src/ssh/connector.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { krownStarter, type Peer, refusalOf } from '../../support/krown-fixture.js'

const login = ({ host, port, username }: Peer) => ({ host, port, username })

describeOnBothDatabases('trusting rebuilt targets', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('ends the trust in the old key also where a pattern of known_hosts gave it', async () => {
    const stolen = generateKey()
    await using rebuilt = await startHostileSshServer({ hostKeys: [stolen] })
    await using fixture = await start()
    const { targets, hostKeys } = fixture.admin
    const { id } = await targets.create({ name: 'web1', ...login(rebuilt), probe: false })
    const text = `[127.0.0.?]:${rebuilt.port} ${stolen.publicKey}`
    expect((await hostKeys.import({ text })).counts).toMatchObject({ pattern: 1 })
    const standing = async () => (await hostKeys.probe({ host: rebuilt.host, port: rebuilt.port })).standing
    expect(await standing()).toBe('trusted')
    rebuilt.replaceHostKey()
    expect(await standing()).toBe('changed')
    await hostKeys.retrust({ targetIds: [id], reason: 'the old key was stolen' })
    expect(await standing()).toBe('trusted')
    rebuilt.replaceHostKey(stolen)
    expect(await standing()).toBe('changed')
  })

  test('looks at each, and replaces what was pinned with what it shows, each journaled', async () => {
    await using rebuilt = await startHostileSshServer()
    await using same = await startHostileSshServer()
    await using fresh = await startHostileSshServer()
    await using gone = await startHostileSshServer()
    await using fixture = await start()
    const { targets, hostKeys } = fixture.admin
    const make = async (name: string, peer: Peer, probe = true) =>
      (await targets.create({ name, ...login(peer), tags: ['prod'], probe })).id
    const ids = {
      rebuilt: await make('rebuilt', rebuilt),
      same: await make('same', same),
      fresh: await make('fresh', fresh, false),
      gone: await make('gone', gone),
    }
    await targets.create({ name: 'other', ...login(rebuilt), tags: ['test'], probe: false })
    const before = rebuilt.hostKeyFingerprint
    await rebuilt.replaceHostKey()
    await gone.stop()
    const shown = { errorCode: null, algorithm: 'ssh-ed25519' }
    const expected = [
      {
        ...shown,
        targetId: ids.rebuilt,
        name: 'rebuilt',
        outcome: 'replaced',
        before: [before],
        fingerprint: rebuilt.hostKeyFingerprint,
      },
      { ...shown, targetId: ids.same, outcome: 'unchanged', fingerprint: same.hostKeyFingerprint },
      { ...shown, targetId: ids.fresh, outcome: 'pinned', before: [], fingerprint: fresh.hostKeyFingerprint },
      {
        targetId: ids.gone,
        outcome: 'failed',
        before: [gone.hostKeyFingerprint],
        fingerprint: null,
        algorithm: null,
        errorCode: 'TARGET_UNREACHABLE',
      },
    ]
    const dry = await hostKeys.retrust({ selector: 'tag:prod', dryRun: true })
    expect(dry).toMatchObject({
      dryRun: true,
      targets: expect.arrayContaining(expected.map((one) => expect.objectContaining(one))),
    })
    expect(await refusalOf(fixture.open(rebuilt, { person: 'admin' }))).toMatchObject({
      code: 'HOST_KEY_MISMATCH',
    })
    const done = await hostKeys.retrust({ targetIds: Object.values(ids), reason: 'rebuilt' })
    expect(done).toMatchObject({ dryRun: false, targets: expected })
    await fixture.open(rebuilt, { person: 'admin' })
    expect(rebuilt.authAttempts).not.toEqual([])
    expect(fresh.authAttempts).toEqual([])
    expect(await fixture.entries({ action: 'host_key.replaced' })).toMatchObject([
      {
        facts: { fingerprint: rebuilt.hostKeyFingerprint, replaced: [before], source: 'probe' },
        details: { host: '127.0.0.1', port: rebuilt.port, reason: 'rebuilt' },
      },
    ])
    const again = await hostKeys.retrust({ targetIds: [ids.rebuilt, ids.fresh], reason: 'again' })
    expect(again.targets.map(({ outcome }) => outcome)).toEqual(['unchanged', 'unchanged'])
  })

  test('never trusts a key that is revoked', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const { targets, hostKeys } = fixture.admin
    const { id } = await targets.create({ name: 'db', ...login(target) })
    const [pin] = (await hostKeys.list()).items
    await hostKeys.update(pin?.id as never, { mark: 'revoked', reason: 'leaked' })
    const { targets: answers } = await hostKeys.retrust({ targetIds: [id], reason: 'x' })
    expect(answers).toMatchObject([
      { outcome: 'failed', errorCode: 'HOST_KEY_MISMATCH', fingerprint: target.hostKeyFingerprint },
    ])
    expect((await hostKeys.list()).items).toMatchObject([{ mark: 'revoked' }])
  })

  test('begins with jump hosts, so that one run is enough for all that was rebuilt', async () => {
    await using outer = await startSshd()
    await using inner = await startSshd()
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const { targets, hostKeys, credentials } = fixture.admin
    const credentialOf = async (name: string, { privateKey }: Peer) =>
      (await credentials.create({ name, kind: 'private_key', privateKey })).id
    // Newest first, as targets are listed, what is behind comes before what is on the way.
    const first = await targets.create({
      ...{ name: 'outer', ...login(outer), credentialId: await credentialOf('outer', outer) },
    })
    const second = await targets.create({
      ...{ name: 'inner', ...login(inner), credentialId: await credentialOf('inner', inner) },
      jumpTargetId: first.id,
    })
    await targets.create({ name: 'db', ...login(target), jumpTargetId: second.id })
    await outer.replaceHostKey()
    await inner.replaceHostKey()
    target.replaceHostKey()
    const done = await hostKeys.retrust({ selector: '*', reason: 'all rebuilt' })
    expect(done.targets.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['db', 'replaced'],
      ['inner', 'replaced'],
      ['outer', 'replaced'],
    ])
  })

  test('ends when nobody waits for it any more, and when Krown drains', async () => {
    await using silent = await startHostileSshServer({ stallAt: 'handshake' })
    await using fixture = await start()
    const { targets, hostKeys } = fixture.admin
    for (let place = 0; place < 10; place += 1)
      await targets.create({ name: `t${place}`, ...login(silent), probe: false })
    const client = new AbortController()
    const left = hostKeys.retrust({ selector: '*', reason: 'x' }, { signal: client.signal })
    await waitFor(() => silent.connectionCount > 0, { what: 'a target to be asked' })
    client.abort(new Error('gone'))
    await expect(left).rejects.toThrow('gone')
    const asked = silent.connectionCount
    const drained = hostKeys.retrust({ selector: '*', reason: 'x' })
    await waitFor(() => silent.connectionCount > asked, { what: 'a target to be asked again' })
    await Promise.all([
      expect(refusalOf(drained)).resolves.toMatchObject({ code: 'DRAINING' }),
      fixture.krown.drain(0),
    ])
    const probed = await fixture.entries({ action: 'host_key.probed' })
    expect(probed.map(({ facts }) => facts)).toEqual(
      expect.arrayContaining([{ cancelled: true }, { code: 'DRAINING' }]),
    )
    expect(await refusalOf(hostKeys.retrust({ selector: '*', reason: 'x' }))).toMatchObject({
      code: 'DRAINING',
    })
  })

  test('takes two minutes at most, and says which targets it did not come to', async () => {
    const clock = new FakeClock()
    let asked = 0
    const sshConnector = {
      probeHostKey: ({ signal }: SshProbeRequest) => {
        asked += 1
        return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
      },
      [Symbol.asyncDispose]: async () => undefined,
    } as unknown as SshConnector
    await using fixture = await start({ clock, parts: { sshConnector } })
    const { targets, hostKeys } = fixture.admin
    for (let place = 0; place < 10; place += 1)
      await targets.create({ name: `t${place}`, host: 'silent.example.com', username: 'x', probe: false })
    const retrusting = hostKeys.retrust({ selector: '*', reason: 'x' })
    await waitFor(() => asked === 8, { what: 'as many targets to be asked as may be at once' })
    await clock.advanceAsync(120_000)
    const answers = (await retrusting).targets
    expect(answers).toHaveLength(10)
    for (const answer of answers)
      expect(answer).toMatchObject({ outcome: 'failed', errorCode: 'TARGET_TIMEOUT' })
  })

  test('takes either a selector or ids, a reason, and not too many at once', async () => {
    await using fixture = await start()
    const { targets, hostKeys } = fixture.admin
    const name = (place: number) => ({
      name: `t${place}`,
      host: `t${place}.example.com`,
      username: 'x',
      probe: false,
    })
    for (let place = 0; place <= 100; place += 1) await targets.create(name(place))
    for (const [input, path] of [
      [{ reason: 'x' }, 'selector'],
      [{ selector: '*', targetIds: [crypto.randomUUID() as string as TargetId], reason: 'x' }, 'selector'],
      [{ selector: 'name:t1' }, 'reason'],
      [{ selector: '(', reason: 'x' }, 'selector'],
      [{ selector: '*', reason: 'x' }, 'selector'],
    ] as const)
      expect(await refusalOf(hostKeys.retrust(input as never))).toMatchObject({
        code: 'VALIDATION_FAILED',
        details: { fields: expect.arrayContaining([expect.objectContaining({ path })]) },
      })
    expect(await hostKeys.retrust({ selector: 'name:nobody', reason: 'x' })).toEqual({
      dryRun: false,
      targets: [],
    })
  })
})
