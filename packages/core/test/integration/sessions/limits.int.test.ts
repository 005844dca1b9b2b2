import { startHostileSshServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import { isKrownError } from '../../../src/errors/krown-error.js'
import type { SessionHandle } from '../../../src/model/krown-client.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { krownStarter, refusalOf } from '../../support/krown-fixture.js'

/** What came of several opens at once. */
async function outcomes(opens: readonly Promise<SessionHandle>[]) {
  const open: SessionHandle[] = []
  const refused: string[] = []
  for (const settled of await Promise.allSettled(opens)) {
    if (settled.status === 'fulfilled') open.push(settled.value)
    else if (isKrownError(settled.reason)) refused.push(settled.reason.code)
    else throw settled.reason
  }
  return { open, refused }
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)

describeOnBothDatabases('limits of sessions', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('of racing opens of one user, exactly as many succeed as the limit allows', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { maxSessionsPerUser: 3 } } })
    const { open, refused } = await outcomes(times(10, () => fixture.open(target)))
    expect(open).toHaveLength(3)
    expect(refused).toEqual(times(7, () => 'QUOTA_EXCEEDED'))
    expect(target.connectionCount).toBe(3)
    expect((await fixture.operator.sessions.list()).items).toHaveLength(3)
    const denied = await fixture.entries({ action: 'access.denied' })
    expect(denied).toHaveLength(7)
    expect(denied[0]).toMatchObject({ facts: { permission: 'session:open', code: 'QUOTA_EXCEEDED' } })
    await open[0]?.close()
    const again = await outcomes(times(3, () => fixture.open(target)))
    expect(again.open).toHaveLength(1)
  })

  test("one user's sessions do not count for another", async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { maxSessionsPerUser: 1 } } })
    await fixture.open(target)
    expect(await refusalOf(fixture.open(target))).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      details: { limit: 1 },
    })
    await fixture.open(target, { person: 'otherOperator' })
  })

  test('of racing opens in one organization, exactly as many succeed as the limit allows', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { maxSessionsPerOrg: 4 } } })
    const people = ['operator', 'otherOperator', 'admin'] as const
    const { open } = await outcomes(
      people.flatMap((person) => times(4, () => fixture.open(target, { person }))),
    )
    expect(open).toHaveLength(4)
    expect(target.connectionCount).toBe(4)
  })

  test('of racing opens in one process, exactly as many succeed as the limit allows', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { maxSessions: 2 } } })
    const { open, refused } = await outcomes(times(8, () => fixture.open(target)))
    expect(open).toHaveLength(2)
    expect(refused).toEqual(times(6, () => 'QUOTA_EXCEEDED'))
    await open[1]?.close()
    await fixture.open(target)
  })

  test('a session that could not be opened takes no place', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { maxSessionsPerUser: 1, maxSessions: 1 } } })
    const auth = { method: 'password', password: 'wrong' } as const
    for (let i = 0; i < 3; i += 1)
      expect(await refusalOf(fixture.open(target, { auth }))).toMatchObject({ code: 'TARGET_AUTH_FAILED' })
    await fixture.open(target)
  })
})
