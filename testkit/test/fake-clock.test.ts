import { expect, test } from 'vitest'
import { FakeClock } from '../src/index.js'

test('timers fire in order of their time, at their time, when the clock passes it', () => {
  const clock = new FakeClock(1000)
  const fired: string[] = []
  clock.setTimer(30, () => fired.push(`late at ${clock.monotonic()}`))
  clock.setTimer(10, () => fired.push(`early at ${clock.monotonic()}`))
  clock.advance(9)
  expect(fired).toEqual([])
  clock.advance(21)
  expect(fired).toEqual(['early at 10', 'late at 30'])
  expect(clock.now()).toBe(1030)
})

test('timers set for the same moment fire in the order they were set', () => {
  const clock = new FakeClock()
  const fired: number[] = []
  for (const i of [1, 2, 3]) clock.setTimer(5, () => fired.push(i))
  clock.advance(5)
  expect(fired).toEqual([1, 2, 3])
})

test('a timer set by a timer fires in the same advance when it comes due', () => {
  const clock = new FakeClock()
  const fired: number[] = []
  clock.setTimer(10, () => clock.setTimer(10, () => fired.push(clock.monotonic())))
  clock.advance(25)
  expect(fired).toEqual([20])
  expect(clock.monotonic()).toBe(25)
})

test('a cancelled timer does not fire and is no longer pending', () => {
  const clock = new FakeClock()
  const cancel = clock.setTimer(10, () => expect.unreachable())
  expect(clock.pendingTimers).toBe(1)
  cancel()
  expect(clock.pendingTimers).toBe(0)
  clock.advance(100)
})

test('setting the wall clock moves neither the monotonic clock nor timers', () => {
  const clock = new FakeClock(5_000_000)
  let fired = false
  clock.setTimer(10, () => {
    fired = true
  })
  clock.setWallClock(0)
  expect([clock.now(), clock.monotonic(), fired]).toEqual([0, 0, false])
  clock.advance(10)
  expect([clock.now(), clock.monotonic(), fired]).toEqual([10, 10, true])
})

test('advanceAsync lets promises settle between timers', async () => {
  const clock = new FakeClock()
  const order: string[] = []
  const work = async () => {
    await Promise.resolve()
    await Promise.resolve()
    order.push(`settled at ${clock.monotonic()}`)
    clock.setTimer(5, () => order.push(`next at ${clock.monotonic()}`))
  }
  clock.setTimer(10, () => void work())
  await clock.advanceAsync(20)
  expect(order).toEqual(['settled at 10', 'next at 15'])
})
