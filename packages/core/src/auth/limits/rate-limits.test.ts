import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { newId } from '../../base/ids.js'
import { isKrownError } from '../../errors/krown-error.js'
import type { Actor } from '../../model/actor.js'
import type { OrgId, UserId } from '../../model/ids.js'
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
  const limits = new RateLimits({ clock, settings })
  const fail = (username: string, clientIp: string | null = null) => {
    const attempt = limits.loginAttempt(username, clientIp)
    attempt.begin()
    return attempt
  }
  const waitMs = (username: string, clientIp: string | null = null) =>
    refusalOf(() => limits.loginAttempt(username, clientIp).requireAllowed())
  return { clock, limits, fail, waitMs }
}

/** `retryAfterMs` of a RATE_LIMITED, 0 when nothing is thrown. */
function refusalOf(call: () => void): number {
  try {
    call()
    return 0
  } catch (error) {
    if (!isKrownError(error) || error.code !== 'RATE_LIMITED') throw error
    return error.retryAfterMs ?? Number.NaN
  }
}

test('A21: each failure beyond the limit locks for twice as long, up to a window', () => {
  const { clock, fail, waitMs } = createLimits()
  for (let i = 0; i < 10; i += 1) fail('root')
  const locks: number[] = []
  for (let i = 0; i < 14; i += 1) {
    const lock = waitMs('root')
    locks.push(lock / 1_000)
    clock.advance(lock)
    fail('root')
  }
  expect(locks).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900])
})

test('A21: strangers who lock an account lock nobody out who signed in from elsewhere before', () => {
  const { fail, waitMs } = createLimits()
  fail('root', '192.0.2.1').succeeded()
  for (let i = 0; i < 10; i += 1) fail('root', `198.51.100.${i}`)
  expect(waitMs('root', '198.51.100.77')).toBeGreaterThan(0)
  expect(waitMs('root', '192.0.2.1')).toBe(0)
  // Whoever sits there may not guess for ever either.
  for (let i = 0; i < 10; i += 1) fail('root', '192.0.2.1')
  expect(waitMs('root', '192.0.2.1')).toBeGreaterThan(0)
})

test('A21: trying while locked makes it no longer', () => {
  const { clock, fail, waitMs } = createLimits()
  for (let i = 0; i < 10; i += 1) fail('root')
  clock.advance(400)
  for (let i = 0; i < 100; i += 1) expect(refusalOf(() => void fail('root'))).toBe(600)
  clock.advance(600)
  expect(waitMs('root')).toBe(0)
})

test('A21: the failures are forgotten after a quiet window, or a right password', () => {
  const { clock, fail, waitMs } = createLimits()
  for (let i = 0; i < 11; i += 1) {
    clock.advance(waitMs('root'))
    fail('root')
  }
  clock.advance(waitMs('root') + WINDOW)
  for (let i = 0; i < 9; i += 1) fail('root')
  expect(waitMs('root')).toBe(0)
  fail('root').succeeded()
  for (let i = 0; i < 9; i += 1) fail('root')
  expect(waitMs('root')).toBe(0)
})

test('what went wrong otherwise is not counted', () => {
  const { limits, fail, waitMs } = createLimits()
  for (let i = 0; i < 9; i += 1) fail('root', '192.0.2.1')
  for (let i = 0; i < 50; i += 1) fail('root', '192.0.2.1').undone()
  limits.loginAttempt('root', '192.0.2.1').undone()
  limits.loginAttempt('root', '192.0.2.1').succeeded()
  expect(waitMs('root', '192.0.2.1')).toBe(0)
  fail('root', '192.0.2.1')
  expect(waitMs('root', '192.0.2.1')).toBe(1_000)
})

test('A23: only the address that is given counts, and an IPv6 subscriber is one', () => {
  const { fail, waitMs } = createLimits()
  for (let i = 0; i < 30; i += 1) fail(`user${i}`, `2001:db8::${i + 1}`)
  expect(waitMs('other', '2001:db8::ffff')).toBe(WINDOW)
  expect(waitMs('other', '2001:db8:0:1::1')).toBe(0)
  expect(waitMs('other', null)).toBe(0)
})

test('a right password does not clear what others failed from the same address', () => {
  const { fail, waitMs } = createLimits()
  for (let i = 0; i < 29; i += 1) fail(`user${i}`, '192.0.2.1')
  fail('root', '192.0.2.1').succeeded()
  expect(waitMs('root', '192.0.2.1')).toBe(0)
  fail('user30', '192.0.2.1')
  expect(waitMs('root', '192.0.2.1')).toBe(WINDOW)
})

test('an actor has its requests of this second', () => {
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
  expect(refusalOf(() => limits.countRequest(ada))).toBe(750)
  limits.countRequest(bob)
  clock.advance(750)
  limits.countRequest(ada)
})

test('the wall clock being set changes nothing', () => {
  const { clock, fail, waitMs } = createLimits()
  for (let i = 0; i < 10; i += 1) fail('root')
  clock.setWallClock(clock.now() + 365 * 86_400_000)
  expect(waitMs('root')).toBe(1_000)
})

test('the number of names and addresses that are remembered is bounded', () => {
  const { fail, waitMs } = createLimits({ loginFailuresPerAccount: 1, loginFailuresPerAddress: 1 })
  fail('first', '10.255.255.255')
  for (let i = 0; i < 50_000; i += 1) fail(`user${i}`, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)
  expect(waitMs('first')).toBe(0)
  expect(waitMs('other', '10.255.255.255')).toBe(0)
  expect(waitMs('user49999')).toBe(1_000)
})
