import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { newId } from '../../base/ids.js'
import { isKrownError } from '../../errors/krown-error.js'
import type { Actor } from '../../model/actor.js'
import type { OrgId, UserId } from '../../model/ids.js'
import { MemoryLimitStore } from './memory-limit-store.js'
import { type RateLimitSettings, RateLimits } from './rate-limits.js'

const WINDOW = 15 * 60_000

function createLimits(changes: Partial<RateLimitSettings> = {}) {
  const clock = new FakeClock()
  const settings = {
    loginFailuresPerAccount: 10,
    loginFailuresPerAddress: 30,
    registrationsPerAddress: 20,
    window: WINDOW,
    requestsPerActor: 1_000,
    ...changes,
  }
  const limits = new RateLimits({ clock, store: new MemoryLimitStore({ clock }), settings })
  const fail = async (username: string, clientIp: string | null = null) => {
    const attempt = await limits.loginAttempt(username, clientIp)
    await attempt.begin()
    return attempt
  }
  const succeed = async (username: string, clientIp: string | null = null) =>
    (await fail(username, clientIp)).succeeded()
  const waitMs = (username: string, clientIp: string | null = null) =>
    refusalOf(() => limits.loginAttempt(username, clientIp))
  return { clock, limits, fail, succeed, waitMs }
}

/** `retryAfterMs` of a RATE_LIMITED, 0 when nothing is thrown. */
async function refusalOf(call: () => unknown): Promise<number> {
  try {
    await call()
    return 0
  } catch (error) {
    if (!isKrownError(error) || error.code !== 'RATE_LIMITED') throw error
    return error.retryAfterMs ?? Number.NaN
  }
}

test('A21: each failure beyond the limit locks for twice as long, up to a window', async () => {
  const { clock, fail, waitMs } = createLimits()
  for (let i = 0; i < 10; i += 1) await fail('root')
  const locks: number[] = []
  for (let i = 0; i < 14; i += 1) {
    const lock = await waitMs('root')
    locks.push(lock / 1_000)
    clock.advance(lock)
    await fail('root')
  }
  expect(locks).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900])
})

test('A21: strangers who lock an account lock nobody out who signed in from elsewhere before', async () => {
  const { fail, succeed, waitMs } = createLimits()
  await succeed('root', '192.0.2.1')
  for (let i = 0; i < 10; i += 1) await fail('root', `198.51.100.${i}`)
  expect(await waitMs('root', '198.51.100.77')).toBeGreaterThan(0)
  expect(await waitMs('root', '192.0.2.1')).toBe(0)
  // Whoever sits there may not guess for ever either.
  for (let i = 0; i < 10; i += 1) await fail('root', '192.0.2.1')
  expect(await waitMs('root', '192.0.2.1')).toBeGreaterThan(0)
})

test('A21: trying while locked makes it no longer', async () => {
  const { clock, fail, waitMs } = createLimits()
  for (let i = 0; i < 10; i += 1) await fail('root')
  clock.advance(400)
  for (let i = 0; i < 100; i += 1) expect(await refusalOf(() => fail('root'))).toBe(600)
  clock.advance(600)
  expect(await waitMs('root')).toBe(0)
})

test('A21: the failures are forgotten after a quiet window, or a right password', async () => {
  const { clock, fail, succeed, waitMs } = createLimits()
  for (let i = 0; i < 11; i += 1) {
    clock.advance(await waitMs('root'))
    await fail('root')
  }
  clock.advance((await waitMs('root')) + WINDOW)
  for (let i = 0; i < 9; i += 1) await fail('root')
  expect(await waitMs('root')).toBe(0)
  await succeed('root')
  for (let i = 0; i < 9; i += 1) await fail('root')
  expect(await waitMs('root')).toBe(0)
})

test('A21: of attempts made at once no more are let through than one after the other', async () => {
  const { limits, waitMs } = createLimits()
  const attempts = await Promise.all(
    Array.from({ length: 30 }, () => limits.loginAttempt('root', '192.0.2.1')),
  )
  const waits = await Promise.all(attempts.map((attempt) => refusalOf(() => attempt.begin())))
  expect(waits.filter((wait) => wait === 0)).toHaveLength(10)
  expect(await waitMs('root')).toBe(1_000)
})

test('A21: a stranger cannot lock an account where it is known by a name that looks like its own count', async () => {
  const { fail, succeed, waitMs } = createLimits()
  await succeed('root', '192.0.2.1')
  for (let i = 0; i < 10; i += 1) await fail('192.0.2.1 root', `198.51.100.${i}`)
  expect(await waitMs('root', '192.0.2.1')).toBe(0)
})

test('what went wrong otherwise is not counted', async () => {
  const { limits, fail, waitMs } = createLimits()
  for (let i = 0; i < 9; i += 1) await fail('root', '192.0.2.1')
  for (let i = 0; i < 50; i += 1) await (await fail('root', '192.0.2.1')).undone()
  await (await limits.loginAttempt('root', '192.0.2.1')).undone()
  await (await limits.loginAttempt('root', '192.0.2.1')).succeeded()
  expect(await waitMs('root', '192.0.2.1')).toBe(0)
  await fail('root', '192.0.2.1')
  expect(await waitMs('root', '192.0.2.1')).toBe(1_000)
})

test('A23: only the address that is given counts, and an IPv6 subscriber is one', async () => {
  const { fail, waitMs } = createLimits()
  for (let i = 0; i < 30; i += 1) await fail(`user${i}`, `2001:db8::${i + 1}`)
  expect(await waitMs('other', '2001:db8::ffff')).toBe(WINDOW)
  expect(await waitMs('other', '2001:db8:0:1::1')).toBe(0)
  expect(await waitMs('other', null)).toBe(0)
})

test('a right password does not clear what others failed from the same address', async () => {
  const { fail, succeed, waitMs } = createLimits()
  for (let i = 0; i < 29; i += 1) await fail(`user${i}`, '192.0.2.1')
  await succeed('root', '192.0.2.1')
  expect(await waitMs('root', '192.0.2.1')).toBe(0)
  await fail('user30', '192.0.2.1')
  expect(await waitMs('root', '192.0.2.1')).toBe(WINDOW)
})

test('an actor has its requests of this second', async () => {
  const { clock, limits } = createLimits({ requestsPerActor: 3 })
  const actor = (): Actor => ({
    kind: 'external',
    userId: newId<UserId>(),
    orgId: newId<OrgId>(),
    username: 'ada',
    clientIp: null,
  })
  const [ada, bob] = [actor(), actor()]
  for (let i = 0; i < 3; i += 1) limits.countRequest(ada)
  clock.advance(250)
  expect(await refusalOf(() => limits.countRequest(ada))).toBe(750)
  limits.countRequest(bob)
  clock.advance(750)
  limits.countRequest(ada)
})

test('the wall clock being set changes nothing', async () => {
  const { clock, fail, waitMs } = createLimits()
  for (let i = 0; i < 10; i += 1) await fail('root')
  clock.setWallClock(clock.now() + 365 * 86_400_000)
  expect(await waitMs('root')).toBe(1_000)
})

test('the number of names and addresses that are remembered is bounded', async () => {
  const { fail, waitMs } = createLimits({ loginFailuresPerAccount: 1, loginFailuresPerAddress: 1 })
  await fail('first', '10.255.255.255')
  for (let i = 0; i < 50_000; i += 1) await fail(`user${i}`, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)
  expect(await waitMs('first')).toBe(0)
  expect(await waitMs('other', '10.255.255.255')).toBe(0)
  expect(await waitMs('user49999')).toBe(1_000)
})
