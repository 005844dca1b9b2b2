import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { remembered } from './remembered.js'

test('an answer counts until it is too old', () => {
  const clock = new FakeClock()
  let asked = 0
  const ask = remembered(clock, 1_000, () => ({ asked: ++asked }))
  const first = ask()
  clock.advance(999)
  expect(ask()).toBe(first)
  clock.advance(1)
  expect(ask()).toEqual({ asked: 2 })
})
