import { FakeClock, startHostileSshServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import type { KrownError } from '../../../src/errors/krown-error.js'
import type { AdhocSessionInput } from '../../../src/model/open-session.js'
import { describeOnBothDatabases, describeOnPostgres } from '../../support/databases.js'
import { type KrownFixture, krownStarter, refusalOf, startKrown } from '../../support/krown-fixture.js'

/** Refused by policy before anything is resolved or dialled. */
const forbidden = (port: number): AdhocSessionInput => ({
  host: '169.254.169.254',
  port,
  username: 'x',
  auth: { method: 'password', password: 'x' },
})

const codesOf = async (fixture: KrownFixture, inputs: readonly AdhocSessionInput[]): Promise<string[]> => {
  const codes: string[] = []
  for (const input of inputs) codes.push((await refusalOf(fixture.operator.sessions.open(input))).code)
  return codes
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'OK',
    ({ code }: KrownError) => code,
  )

const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))

describeOnBothDatabases('how often sessions may be opened', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('a user opens so many in a minute, whatever becomes of them, and others have their own', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { maxSessionOpensPerMinute: 3 } } })
    await fixture.open(target)
    expect(
      await codesOf(
        fixture,
        times(2, () => forbidden(22)),
      ),
    ).toEqual(times(2, () => 'TARGET_POLICY_DENIED'))
    const refusal = await refusalOf(fixture.open(target))
    expect(refusal).toMatchObject({ code: 'RATE_LIMITED', retryable: true })
    expect(refusal.retryAfterMs).toBeLessThanOrEqual(60_000)
    expect(target.connectionCount).toBe(1)
    await fixture.open(target, { person: 'otherOperator' })
    expect(await fixture.entries({ action: 'access.denied' })).toMatchObject([
      { outcome: 'denied', facts: { permission: 'session:open', code: 'RATE_LIMITED' } },
    ])
  })

  test('the program that Krown is part of is not limited', async () => {
    await using target = await startHostileSshServer()
    const ssh = { maxSessionOpensPerMinute: 1, maxAdhocHostsPerHour: 1 }
    await using fixture = await start({ config: { ssh } })
    const { host, port, username, privateKey } = target
    const login = { host, port, username, auth: { method: 'key', privateKey } } as const
    const system = fixture.krown.as(await fixture.krown.actors.system())
    for (let i = 0; i < 3; i += 1) await system.sessions.open(login)
    expect((await refusalOf(system.sessions.open(forbidden(23)))).code).toBe('TARGET_POLICY_DENIED')
  })

  test('E12: who tries host after host gets so many in an hour: refused, filtered and forbidden ones alike', async () => {
    await using target = await startHostileSshServer()
    await using other = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { maxAdhocHostsPerHour: 4 } } })
    await fixture.open(target)
    expect(await codesOf(fixture, [forbidden(22), forbidden(23), forbidden(22)])).toEqual(
      times(3, () => 'TARGET_POLICY_DENIED'),
    )
    await fixture.open(target)
    const closedPort: AdhocSessionInput = { ...forbidden(1), host: '127.0.0.1' }
    expect(await codesOf(fixture, [closedPort])).toEqual(['TARGET_UNREACHABLE'])
    const beyond = [forbidden(24), { ...closedPort, port: 2 }, { ...forbidden(22), host: 'nowhere.invalid' }]
    expect(await codesOf(fixture, beyond)).toEqual(times(3, () => 'RATE_LIMITED'))
    expect((await refusalOf(fixture.open(other))).code).toBe('RATE_LIMITED')
    expect(other.connectionCount).toBe(0)
    // What was counted goes on.
    await fixture.open(target)
  })

  test('E12: another spelling of a host is the same one, and a target of the inventory counts for nothing', async () => {
    await using target = await startHostileSshServer()
    await using other = await startHostileSshServer()
    await using fixture = await start({ config: { ssh: { maxAdhocHostsPerHour: 1 } } })
    await fixture.open(target)
    expect(await codeOf(fixture.open(target, { host: '::ffff:127.0.0.1' }))).toBe('OK')
    for (const [name, { host, port, username, privateKey }] of Object.entries({
      web1: target,
      web2: other,
    })) {
      await fixture.admin.targets.create({ name, host, port, username })
      const auth = { method: 'key', privateKey } as const
      expect(await codeOf(fixture.operator.sessions.open({ targetName: name, auth }))).toBe('OK')
    }
    expect(await codeOf(fixture.open(other))).toBe('RATE_LIMITED')
  })
})

test('a minute and an hour later one may again', async () => {
  const clock = new FakeClock()
  const ssh = { maxSessionOpensPerMinute: 2, maxAdhocHostsPerHour: 3 }
  await using fixture = await startKrown({ clock, config: { ssh } })
  expect(
    await codesOf(
      fixture,
      times(3, (i) => forbidden(22 + i)),
    ),
  ).toEqual(['TARGET_POLICY_DENIED', 'TARGET_POLICY_DENIED', 'RATE_LIMITED'])
  clock.advance(60_000)
  expect(await codesOf(fixture, [forbidden(24), forbidden(25)])).toEqual([
    'TARGET_POLICY_DENIED',
    'RATE_LIMITED',
  ])
  clock.advance(60 * 60_000)
  expect(await codesOf(fixture, [forbidden(25)])).toEqual(['TARGET_POLICY_DENIED'])
})

describeOnPostgres('two processes that open sessions', (openTestDatabase) => {
  test('E12: count together, of those who try at once as well', async () => {
    await using opened = await openTestDatabase()
    const { place } = opened
    const config = { ssh: { maxSessionOpensPerMinute: 40, maxAdhocHostsPerHour: 10 } }
    await using one = await startKrown({ place, config })
    await using other = await startKrown({ place, config })
    const tries = times(60, (i) =>
      refusalOf((i % 2 ? one : other).operator.sessions.open(forbidden(100 + i))),
    )
    const codes = (await Promise.all(tries)).map(({ code }) => code)
    expect(codes.filter((code) => code === 'TARGET_POLICY_DENIED')).toHaveLength(10)
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(50)
  })
})
