import { startHostileSshServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import { describeOnBothDatabases } from '../../support/databases.js'
import { refusalOf, startKrown } from '../../support/krown-fixture.js'
import { addTarget } from '../targets/targets-fixture.js'

describeOnBothDatabases('an outbound policy that was tightened', (openTestDatabase) => {
  test('E11: holds from the start with it: what was open has ended, and nothing new is dialled', async () => {
    await using opened = await openTestDatabase()
    await using target = await startHostileSshServer()
    await using before = await startKrown({ place: opened.place })
    const { id: targetId } = await addTarget(before.admin, target)
    const open = [(await before.operator.sessions.open({ targetId })).id, (await before.open(target)).id]
    await before.krown.close()
    const connections = target.connectionCount

    const config = { ssh: { outbound: { deny: ['127.0.0.0/8'] } } }
    await using after = await startKrown({ place: opened.place, config })
    for (const id of open)
      expect(await after.operator.sessions.get(id)).toMatchObject({ status: 'disconnected' })
    const denied = { code: 'TARGET_POLICY_DENIED' }
    expect(await refusalOf(after.operator.sessions.open({ targetId }))).toMatchObject(denied)
    expect(await refusalOf(after.open(target))).toMatchObject(denied)
    const { host, port } = target
    expect(await refusalOf(after.admin.hostKeys.probe({ host, port }))).toMatchObject(denied)
    expect(target.connectionCount).toBe(connections)
  })
})
