import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { AskedAgain } from './asked-again.js'

/** Asks with answers 1, 2, 3, … until it is refused. */
function asked() {
  const clock = new FakeClock()
  const state = { asked: 0, refused: false }
  const ask = async () => {
    state.asked += 1
    if (state.refused) throw new Error('no more')
    return state.asked
  }
  return { clock, state, rights: new AskedAgain(clock, ask, 0) }
}

test('an answer of the last second is good', () => {
  const { clock, state, rights } = asked()
  clock.advance(999)
  expect([rights.fresh, state.asked]).toEqual([0, 0])
})

test('an older one is good for another second, in which the next is asked for once', async () => {
  const { clock, state, rights } = asked()
  clock.advance(1_000)
  expect([rights.fresh, rights.fresh, state.asked]).toEqual([0, 0, 1])
  await rights.again()
  expect(rights.fresh).toBe(1)
  clock.advance(2_000)
  expect(rights.fresh).toBeUndefined()
  expect(await rights.again()).toBe(2)
})

test('a refusal counts at once, and is not asked for twice', async () => {
  const { clock, state, rights } = asked()
  state.refused = true
  clock.advance(1_000)
  expect(rights.fresh).toBe(0)
  await expect(rights.again()).rejects.toThrow('no more')
  expect(rights.fresh).toBeUndefined()
  await expect(rights.again()).rejects.toThrow('no more')
  expect(state.asked).toBe(1)
})
