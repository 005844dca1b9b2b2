import { FakeClock } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import type { LimitKey, LimitStore } from '../../../src/auth/limits/limit-store.js'
import { MemoryLimitStore } from '../../../src/auth/limits/memory-limit-store.js'
import { openLimitStore } from '../../../src/auth/limits/open-limit-store.js'
import { systemClock } from '../../../src/base/clock.js'
import type { Database } from '../../../src/db/database.js'
import { describeOnPostgres } from '../../support/databases.js'
import { codeOf } from './identity-fixture.js'

const WINDOW = 15 * 60_000
const root: LimitKey = { kind: 'login_account', name: 'root' }
const address: LimitKey = { kind: 'login_address', name: '192.0.2.1' }

interface OpenedStores extends AsyncDisposable {
  readonly one: LimitStore
  /** Of another process, where there can be one. */
  readonly other: LimitStore
  /** Lets time go by for everything that is counted. */
  pass(ms: number): Promise<void>
}

describe('limits in memory', () => {
  holdsItsLimits(async () => {
    const clock = new FakeClock()
    const store = new MemoryLimitStore({ clock })
    const pass = async (ms: number) => clock.advance(ms)
    return { one: store, other: store, pass, [Symbol.asyncDispose]: async () => {} }
  })
})

describeOnPostgres('limits of all processes', (openTestDatabase) => {
  const openBoth = async () => {
    const opened = await openTestDatabase()
    const open = (database: Database) => {
      const schema = opened.place.kind === 'postgres' ? opened.place.schema : ''
      return openLimitStore(database, { schema, clock: systemClock })
    }
    const { db } = opened.database
    const shift = (ms: number) =>
      db
        .updateTable('rate_limits')
        .set((eb) => ({ expire: eb('expire', '-', ms) }))
        .execute()
    return {
      db,
      opened,
      one: await open(opened.database),
      other: await open(await opened.openAgain()),
      pass: async (ms: number) => void (await shift(ms)),
      [Symbol.asyncDispose]: async () => opened[Symbol.asyncDispose](),
    }
  }

  holdsItsLimits(openBoth)

  test('what somebody typed as a name is not stored, and may be anything', async () => {
    await using both = await openBoth()
    const names = [
      'hunter2 was my password',
      'a\0b',
      '\ud800',
      'x'.repeat(100_000),
      "'; drop table users; --",
    ]
    for (const name of names) {
      await both.one.countFailure({ kind: 'login_account', name }, { limit: 1, windowMs: WINDOW })
      const [count] = await both.other.read([{ kind: 'login_account', name }])
      expect(count).toMatchObject({ points: 1 })
    }
    const rows = await both.db.selectFrom('rate_limits').selectAll().execute()
    expect(rows).toHaveLength(names.length)
    expect(JSON.stringify(rows)).not.toContain('hunter2')
  })

  test('what has expired is deleted, and nothing else', async () => {
    await using both = await openBoth()
    await both.one.remember({ kind: 'known_address', name: 'old' }, 1)
    await both.one.count(address, { limit: 1, windowMs: WINDOW })
    await both.pass(1_000)
    await both.other.purge()
    const rows = await both.db.selectFrom('rate_limits').select('key').execute()
    expect(rows).toEqual([{ key: expect.stringMatching(/^login_address:/) }])
  })

  test('without the database every limit says so, and lets nobody through', async () => {
    const both = await openBoth()
    const { one } = both
    await both[Symbol.asyncDispose]()
    const window = { limit: 10, windowMs: WINDOW }
    const calls = [
      one.read([root]),
      one.count(address, window),
      one.countFailure(root, window),
      one.takeBack(address),
      one.takeBackFailure(root, window),
      one.remember(root, WINDOW),
      one.forget(root),
    ]
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'UNAVAILABLE'))
  })
})

/** What every store does, with two handles on the same counts. */
function holdsItsLimits(openStores: () => Promise<OpenedStores>): void {
  const window = { limit: 10, windowMs: WINDOW }

  test('a window takes as many as it may, over all who count at once, and begins anew when it ends', async () => {
    await using stores = await openStores()
    const waits = await Promise.all(
      Array.from({ length: 40 }, (_, i) => (i % 2 ? stores.one : stores.other).count(address, window)),
    )
    expect(waits.filter((wait) => wait === 0)).toHaveLength(10)
    for (const wait of waits.filter((each) => each > 0)) expect(wait).toBeLessThanOrEqual(WINDOW)
    await stores.one.takeBack(address)
    expect(await stores.other.count(address, window)).toBe(0)
    expect(await stores.one.count(address, window)).toBeGreaterThan(0)
    await stores.pass(WINDOW)
    expect(await stores.one.count(address, window)).toBe(0)
  })

  test('A21: of failures counted at once no more are let through than one after the other', async () => {
    await using stores = await openStores()
    const failures = await Promise.all(
      Array.from({ length: 40 }, (_, i) => (i % 2 ? stores.one : stores.other).countFailure(root, window)),
    )
    expect(failures.filter(({ counted }) => counted)).toHaveLength(10)
    const [count] = await stores.one.read([root])
    expect(count?.points).toBe(10)
  })

  test('A21: each failure beyond the limit locks for twice as long, up to a window, and is then forgotten', async () => {
    await using stores = await openStores()
    const locks: number[] = []
    for (let i = 0; i < 24; i += 1) {
      const failure = await (i % 2 ? stores.one : stores.other).countFailure(root, window)
      if (!failure.counted) throw new Error(`locked for another ${failure.waitMs} ms`)
      if (failure.locksForMs > 0) locks.push(failure.locksForMs / 1_000)
      await stores.pass(failure.locksForMs)
    }
    expect(locks).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900])
    await stores.pass(WINDOW)
    expect(await stores.one.countFailure(root, window)).toEqual({ counted: true, locksForMs: 0 })
  })

  test('while locked nothing is counted', async () => {
    await using stores = await openStores()
    const strict = { limit: 1, windowMs: WINDOW }
    expect(await stores.one.countFailure(root, strict)).toEqual({ counted: true, locksForMs: 1_000 })
    for (let i = 0; i < 5; i += 1) {
      const failure = await stores.other.countFailure(root, strict)
      if (failure.counted) throw new Error('counted')
      expect(failure.waitMs).toBeLessThanOrEqual(1_000)
    }
    await stores.pass(1_000)
    expect(await stores.other.countFailure(root, strict)).toEqual({ counted: true, locksForMs: 2_000 })
  })

  test('taking back ends the lock that it caused, and goes never below nothing', async () => {
    await using stores = await openStores()
    const strict = { limit: 2, windowMs: WINDOW }
    await stores.one.countFailure(root, strict)
    await stores.one.countFailure(root, strict)
    await stores.other.takeBackFailure(root, strict)
    expect(await stores.one.countFailure(root, strict)).toMatchObject({ counted: true, locksForMs: 1_000 })
    for (let i = 0; i < 5; i += 1) await stores.other.takeBackFailure(root, strict)
    const [count] = await stores.one.read([root])
    expect(count?.points).toBe(0)
    await stores.other.takeBack(address)
    expect(await stores.one.read([address])).toEqual([undefined])
  })

  test('what is remembered is there until its time is over, or it is forgotten', async () => {
    await using stores = await openStores()
    const known: LimitKey = { kind: 'known_address', name: root.name }
    await stores.one.remember(known, 10_000)
    await stores.one.remember(known, 20_000)
    const [, count] = await stores.other.read([root, known])
    expect(count?.leftMs).toBeGreaterThan(10_000)
    await stores.pass(20_000)
    expect(await stores.other.read([known])).toEqual([undefined])
    await stores.one.remember(known, 10_000)
    await stores.one.forget(known)
    expect(await stores.other.read([known, root])).toEqual([undefined, undefined])
  })
}
