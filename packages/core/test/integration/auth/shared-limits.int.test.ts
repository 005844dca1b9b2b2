import { expect, test } from 'vitest'
import { describeOnPostgres } from '../../support/databases.js'
import { codeOf, fixtureOpener, type IdentityFixture, origin, PASSWORD } from './identity-fixture.js'

const WINDOW = 15 * 60_000

describeOnPostgres('two processes that count together', (openTestDatabase) => {
  const { openTwo } = fixtureOpener(openTestDatabase)
  const openBoth = async () => {
    const { fixture, another } = await openTwo({ sharedLimits: true })
    const both = [fixture, await another()] as const
    const at = (i: number): IdentityFixture => both[i % 2 ? 1 : 0]
    const wrong = (i: number, username: string, from: string | null) =>
      codeOf(at(i).auth.login({ username, password: 'wrong' }, origin(from)))
    const hashed = () => both[0].hasher.verified.length + both[1].hasher.verified.length
    return { fixture, at, wrong, hashed, [Symbol.asyncDispose]: async () => fixture[Symbol.asyncDispose]() }
  }
  const howMany = (codes: readonly string[], code: string) => codes.filter((each) => each === code).length

  test('A21: of a thousand passwords for one account ten are tried, and then not even the right one', async () => {
    await using both = await openBoth()
    await both.fixture.setUp()
    const before = both.hashed()
    const codes: string[] = []
    for (let round = 0; round < 20; round += 1) {
      const tries = Array.from({ length: 50 }, (_, i) => both.wrong(i, 'root', `198.51.${round}.${i}`))
      codes.push(...(await Promise.all(tries)))
    }
    expect(howMany(codes, 'UNAUTHENTICATED')).toBe(10)
    expect(both.hashed() - before).toBe(10)
    for (const i of [0, 1]) {
      const right = both.at(i).auth.login({ username: 'root', password: PASSWORD }, origin('203.0.113.9'))
      await expect(right).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 1_000 })
    }
    both.fixture.clock.advance(1_000)
    expect(await codeOf(both.at(0).signIn('root', PASSWORD, origin('203.0.113.9')))).toBe('OK')
    expect(await both.wrong(1, 'root', '203.0.113.8')).toBe('UNAUTHENTICATED')
  })

  test('A21: where somebody signed in at one process nobody locks them out of the other', async () => {
    await using both = await openBoth()
    await both.fixture.setUp()
    await both.at(0).signIn('root', PASSWORD, origin('192.0.2.1'))
    for (let i = 0; i < 10; i += 1) await both.wrong(i, 'root', `198.51.100.${i}`)
    expect(await both.wrong(1, 'root', '198.51.100.77')).toBe('RATE_LIMITED')
    expect(await codeOf(both.at(1).signIn('root', PASSWORD, origin('192.0.2.1')))).toBe('OK')
  })

  test('A23: one address has its thirty failures over both, and another address its own', async () => {
    await using both = await openBoth()
    await both.fixture.setUp()
    for (let i = 0; i < 30; i += 1)
      expect(await both.wrong(i, `nobody${i}`, '192.0.2.50')).toBe('UNAUTHENTICATED')
    for (const i of [0, 1]) {
      const refused = both.at(i).auth.login({ username: 'root', password: PASSWORD }, origin('192.0.2.50'))
      await expect(refused).rejects.toMatchObject({ code: 'RATE_LIMITED' })
      expect(await both.wrong(i, `other${i}`, '192.0.2.51')).toBe('UNAUTHENTICATED')
    }
  })

  test('A24: a flood of logins costs as many hashes as one address has failures, wherever it arrives', async () => {
    await using both = await openBoth()
    for (let round = 0; round < 3; round += 1) {
      const flood = Array.from({ length: 500 }, (_, i) => both.wrong(i, `u${round}-${i}`, '192.0.2.60'))
      const codes = await Promise.all(flood)
      const tried = howMany(codes, 'UNAUTHENTICATED')
      expect(tried + howMany(codes, 'RATE_LIMITED') + howMany(codes, 'UNAVAILABLE')).toBe(500)
    }
    expect(both.hashed()).toBe(30)
  })

  test('right passwords are not counted, and a failure of Krown itself is taken back', async () => {
    await using both = await openBoth()
    await both.fixture.setUp()
    for (let i = 0; i < 40; i += 1) expect(await codeOf(both.at(i).signIn('root'))).toBe('OK')
    const counted = await both.fixture.db
      .selectFrom('rate_limits')
      .select('points')
      .where('key', 'not like', 'known_address:%')
      .where('key', 'not like', 'registration:%')
      .execute()
    expect(counted.filter(({ points }) => points > 0)).toEqual([])
  })

  test('an address registers twenty times in all', async () => {
    await using both = await openBoth()
    const register = (i: number) =>
      codeOf(both.at(i).auth.register({ username: `user${i}`, password: PASSWORD }, origin('192.0.2.9')))
    const codes: string[] = []
    for (let i = 0; i < 30; i += 1) codes.push(await register(i))
    expect(howMany(codes, 'OK')).toBe(20)
    expect(howMany(codes, 'RATE_LIMITED')).toBe(10)
  })

  test('counts that have expired are purged with the rest', async () => {
    await using both = await openBoth()
    await both.wrong(0, 'nobody', null)
    both.fixture.clock.advance(WINDOW)
    await both.at(1).identity.purge()
    expect(await both.fixture.db.selectFrom('rate_limits').selectAll().execute()).toEqual([])
  })
})
