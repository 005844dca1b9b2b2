import { generateKey, startHostileSshServer, WEAK_ALGORITHMS } from '@krown/testkit'
import { expect, test } from 'vitest'
import { describeOnBothDatabases } from '../../support/databases.js'
import { krownStarter, refusalOf } from '../../support/krown-fixture.js'
import { addTarget, storePassword } from './targets-fixture.js'

describeOnBothDatabases('a machine that knows only weak algorithms', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('F11: is reached as the target that opted in, and by nothing else, and the journal says so', async () => {
    const hostKeys = [generateKey({ type: 'rsa' })]
    await using device = await startHostileSshServer({ algorithms: WEAK_ALGORITHMS, hostKeys })
    await using fixture = await start()
    const { admin, operator } = fixture
    const credentialId = await storePassword(admin, device)
    const refused = { code: 'TARGET_PROTOCOL_ERROR', details: { reason: 'no_common_algorithm' } }
    expect(await refusalOf(fixture.open(device))).toMatchObject(refused)
    expect(await refusalOf(addTarget(admin, device, { credentialId }))).toMatchObject(refused)
    const { id: targetId } = await addTarget(admin, device, { credentialId, legacyAlgorithms: true })
    await using session = await operator.sessions.open({ targetId })
    expect(session.session).toMatchObject({
      status: 'connected',
      hostKeyFingerprint: device.hostKeyFingerprint,
    })
    const facts = { legacyAlgorithms: true }
    expect(await fixture.entries({ action: 'target.created' })).toMatchObject([{ facts }])
    expect((await fixture.entries({ resourceId: session.id }))[0]).toMatchObject({ facts })
    expect(await refusalOf(fixture.open(device))).toMatchObject(refused)
    await admin.targets.update(targetId, { legacyAlgorithms: false })
    expect(await refusalOf(operator.sessions.open({ targetId }))).toMatchObject(refused)
  })
})
