import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { Bell } from './bell.js'

test('everybody who waits hears it ring, once', async () => {
  const clock = new FakeClock()
  const bell = new Bell()
  const heard = [bell.heard(clock, 1_000), bell.heard(clock, 1_000)]
  bell.ring()
  await Promise.all(heard)
  expect([bell.rings, clock.pendingTimers]).toEqual([1, 0])
  let again = false
  const next = bell.heard(clock, 1_000).then(() => {
    again = true
  })
  await clock.advanceAsync(999)
  expect(again).toBe(false)
  bell.ring()
  await next
})

test('who waits long enough goes on without it', async () => {
  const clock = new FakeClock()
  const heard = new Bell().heard(clock, 1_000)
  await clock.advanceAsync(1_000)
  await heard
})

test('a signal ends the waiting with its reason, and leaves nothing behind', async () => {
  const clock = new FakeClock()
  const bell = new Bell()
  const controller = new AbortController()
  const heard = bell.heard(clock, 1_000, controller.signal)
  controller.abort(new Error('enough'))
  await expect(heard).rejects.toThrow('enough')
  await expect(bell.heard(clock, 1_000, controller.signal)).rejects.toThrow('enough')
  expect(clock.pendingTimers).toBe(0)
})
