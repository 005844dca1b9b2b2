import { startHostileSshServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import type { HostKeyId, TargetId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { krownStarter, refusalOf } from '../../support/krown-fixture.js'
import { foreignAdmin, makeKey } from './known-host-keys-fixture.js'

const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057'

describeOnBothDatabases('known host keys', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('are pinned for the organization by an admin, once each, and journaled', async () => {
    await using fixture = await start()
    const { fingerprint } = makeKey()
    const input = {
      host: 'DB1.Example.com',
      fingerprint,
      algorithm: 'ssh-ed25519',
      reason: 'from the console',
    }
    const key = await fixture.admin.hostKeys.create(input)
    expect(key).toMatchObject({
      host: 'db1.example.com',
      port: 22,
      userId: null,
      viaTargetId: null,
      mark: 'trusted',
      source: 'admin',
      reason: 'from the console',
      pinnedBy: fixture.actors.admin.userId,
    })
    expect(await fixture.admin.hostKeys.create(input)).toEqual(key)
    expect(await fixture.admin.hostKeys.get(key.id)).toEqual(key)
    expect(await fixture.entries({ action: 'host_key.pinned' })).toMatchObject([
      {
        resourceId: key.id,
        facts: { fingerprint, algorithm: 'ssh-ed25519', source: 'admin', scope: 'organization' },
        details: { host: 'db1.example.com', port: 22, reason: 'from the console' },
      },
    ])
  })

  test('are replaced with a reason: the others of that host and scope are no longer trusted', async () => {
    await using fixture = await start()
    const [before, now, elsewhere, refused] = [makeKey(), makeKey(), makeKey(), makeKey()]
    const { hostKeys } = fixture.admin
    await hostKeys.create({ host: 'db1', fingerprint: before.fingerprint })
    await hostKeys.create({ host: 'db1', port: 2222, fingerprint: elsewhere.fingerprint })
    await hostKeys.create({
      host: 'db1',
      fingerprint: refused.fingerprint,
      mark: 'revoked',
      reason: 'leaked',
    })
    await fixture.operator.hostKeys.create({ host: 'db1', fingerprint: before.fingerprint, scope: 'user' })
    const replacing = { host: 'db1', fingerprint: now.fingerprint, replace: true }
    expect(await refusalOf(hostKeys.create(replacing))).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { fields: [{ path: 'reason' }] },
    })
    await hostKeys.create({ ...replacing, reason: 'rebuilt' })
    const left = (await hostKeys.list()).items
    expect(left.map(({ fingerprint }) => fingerprint).sort()).toEqual(
      [elsewhere, refused, before, now].map(({ fingerprint }) => fingerprint).sort(),
    )
    expect(await fixture.entries({ action: 'host_key.replaced' })).toMatchObject([
      {
        facts: { fingerprint: now.fingerprint, replaced: [before.fingerprint] },
        details: { host: 'db1', reason: 'rebuilt' },
      },
    ])
  })

  test('are revoked, which only an update takes back', async () => {
    await using fixture = await start()
    const { hostKeys } = fixture.admin
    const { fingerprint } = makeKey()
    const key = await hostKeys.create({ host: 'db1', fingerprint })
    expect(await hostKeys.update(key.id, { mark: 'revoked', reason: 'leaked' })).toMatchObject({
      mark: 'revoked',
      reason: 'leaked',
    })
    expect(await refusalOf(hostKeys.create({ host: 'db1', fingerprint }))).toMatchObject({ code: 'CONFLICT' })
    expect(
      await refusalOf(hostKeys.create({ host: 'db1', fingerprint, replace: true, reason: 'x' })),
    ).toMatchObject({ code: 'CONFLICT' })
    expect((await hostKeys.list({ mark: 'revoked' })).items).toHaveLength(1)
    await hostKeys.update(key.id, { mark: 'trusted', reason: 'another key was meant' })
    expect((await hostKeys.list({ host: 'DB1' })).items).toMatchObject([{ mark: 'trusted' }])
    expect(await hostKeys.delete(key.id)).toMatchObject({ id: key.id })
    expect(await refusalOf(hostKeys.get(key.id))).toMatchObject({ code: 'NOT_FOUND' })
    const actions = (await fixture.entries({ resourceId: key.id })).map(({ action }) => action)
    expect(actions).toEqual([
      'host_key.pinned',
      'host_key.revoked',
      'host_key.trusted',
      'host_key.deleted',
      'access.denied',
    ])
  })

  test("B02: an operator touches nothing of the organization's, and manages what it pinned for itself", async () => {
    await using fixture = await start()
    const [ours, mine] = [makeKey(), makeKey()]
    const org = await fixture.admin.hostKeys.create({ host: 'db1', fingerprint: ours.fingerprint })
    const { hostKeys } = fixture.operator
    const { fingerprint } = mine
    for (const input of [
      { host: 'db1', fingerprint },
      { host: 'db1', fingerprint, scope: 'organization' as const },
      { host: 'db1', fingerprint, replace: true, reason: 'x' },
    ])
      expect(await refusalOf(hostKeys.create(input))).toMatchObject({ code: 'FORBIDDEN' })
    expect(await refusalOf(hostKeys.import({ text: '' }))).toMatchObject({ code: 'FORBIDDEN' })
    expect(await refusalOf(hostKeys.retrust({ selector: '*', reason: 'x' }))).toMatchObject({
      code: 'FORBIDDEN',
    })
    const absent = await refusalOf(hostKeys.get(UNKNOWN_ID as HostKeyId))
    for (const attempt of [
      () => hostKeys.get(org.id),
      () => hostKeys.update(org.id, { mark: 'revoked', reason: 'x' }),
      () => hostKeys.delete(org.id),
    ])
      expect(await refusalOf(attempt())).toMatchObject({ code: 'NOT_FOUND', message: absent.message })
    const own = await hostKeys.create({ host: 'db1', fingerprint, scope: 'user' })
    expect(own).toMatchObject({ userId: fixture.actors.operator.userId, source: 'given' })
    expect((await hostKeys.list()).items).toEqual([own])
    expect((await fixture.as('otherOperator').hostKeys.list()).items).toEqual([])
    expect((await fixture.as('auditor').hostKeys.list()).items).toHaveLength(2)
    expect(await refusalOf(fixture.as('auditor').hostKeys.delete(own.id))).toMatchObject({
      code: 'FORBIDDEN',
    })
    expect(await refusalOf(fixture.as('readonly').hostKeys.list())).toMatchObject({ code: 'FORBIDDEN' })
    await hostKeys.delete(own.id)
    expect((await fixture.admin.hostKeys.list()).items).toEqual([org])
  })

  test('B04: keys and jump hosts of another organization are not found, as those that never were', async () => {
    await using fixture = await start()
    const eve = await foreignAdmin(fixture)
    const { fingerprint } = makeKey()
    const key = await fixture.admin.hostKeys.create({ host: 'db1', fingerprint })
    const jump = await fixture.admin.targets.create({ name: 'jump', host: 'j1', username: 'x', probe: false })
    const made = UNKNOWN_ID as HostKeyId & TargetId
    const attempts: ((keyId: HostKeyId, targetId: TargetId) => Promise<unknown>)[] = [
      (id) => eve.hostKeys.get(id),
      (id) => eve.hostKeys.update(id, { mark: 'revoked', reason: 'x' }),
      (id) => eve.hostKeys.delete(id),
      (_, viaTargetId) => eve.hostKeys.create({ host: 'db1', fingerprint, viaTargetId }),
      (_, viaTargetId) => eve.hostKeys.probe({ host: 'db1', viaTargetId }),
      (_, id) => eve.hostKeys.retrust({ targetIds: [id], dryRun: true }),
    ]
    for (const attempt of attempts) {
      const foreign = await refusalOf(attempt(key.id, jump.id))
      const absent = await refusalOf(attempt(made, made))
      expect(foreign).toMatchObject({ code: 'NOT_FOUND', message: absent.message, details: absent.details })
    }
    expect((await eve.hostKeys.list()).items).toEqual([])
    await using target = await startHostileSshServer()
    // What one organization pins is nothing to another.
    const { host, port } = target
    await fixture.admin.hostKeys.create({ host, port, fingerprint })
    expect(await eve.hostKeys.probe({ host, port })).toMatchObject({ standing: 'unknown' })
    expect(await fixture.admin.hostKeys.probe({ host, port })).toMatchObject({ standing: 'changed' })
  })

  test('of users go with no jump host, and no host is anything but a name or an address', async () => {
    await using fixture = await start()
    const { fingerprint } = makeKey()
    const { hostKeys } = fixture.admin
    const viaTargetId = UNKNOWN_ID as TargetId
    for (const [input, path] of [
      [{ host: 'db1', fingerprint, scope: 'user', viaTargetId }, 'viaTargetId'],
      [{ host: '127.1', fingerprint }, 'host'],
      [{ host: 'db1', port: 0, fingerprint }, 'port'],
      [{ host: 'db1', fingerprint: 'MD5:aa' }, 'fingerprint'],
      [{ host: 'db1', fingerprint, mark: 'cert_authority' }, 'mark'],
    ] as const)
      expect(await refusalOf(hostKeys.create(input as never))).toMatchObject({
        code: 'VALIDATION_FAILED',
        details: { fields: [expect.objectContaining({ path })] },
      })
  })

  test('are not journaled again when an update changes nothing', async () => {
    await using fixture = await start()
    const { hostKeys } = fixture.admin
    const key = await hostKeys.create({ host: 'db1', fingerprint: makeKey().fingerprint })
    expect(await hostKeys.update(key.id, { mark: 'trusted', reason: 'again' })).toEqual(key)
    const revoked = await hostKeys.update(key.id, { mark: 'revoked', reason: 'leaked' })
    expect(await hostKeys.update(key.id, { mark: 'revoked', reason: 'once more' })).toEqual(revoked)
    const actions = (await fixture.entries()).map(({ action }) => action)
    expect(actions.filter((action) => action.startsWith('host_key.'))).toEqual([
      ...['host_key.pinned', 'host_key.revoked'],
    ])
  })
})
