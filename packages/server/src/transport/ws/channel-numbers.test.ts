import type { ChannelId } from '@krown/core'
import { expect, test } from 'vitest'
import { ChannelNumbers, type Output } from './channel-numbers.js'
import { ChannelWindow } from './channel-window.js'

const output = (offset: number, text = 'text'): Output => ({
  type: 'output',
  stream: 'stdout',
  offset,
  data: Buffer.from(text),
})
const ID = '01932c1f-5e20-7b63-a4d7-0c8e1f9a2b10' as ChannelId

test('sockets that are sent the same piece share its frame', () => {
  const numbers = new ChannelNumbers()
  const mine = numbers.take(ID, () => false)
  const theirs = numbers.take(ID, () => false)
  expect(theirs.value).toBe(mine.value)
  const frame = mine.frameOf(output(7))
  expect(theirs.frameOf(output(7))).toBe(frame)
  expect(theirs.frameOf(output(7, 'longer'))).not.toBe(frame)
  expect(theirs.frameOf({ ...output(7), stream: 'stderr' })).not.toBe(frame)
  for (let i = 0; i < 20; i += 1) mine.frameOf(output(100 + i))
  expect(theirs.frameOf(output(7))).not.toBe(frame)
})

test('nothing is kept for a socket that is alone', () => {
  const number = new ChannelNumbers().take(ID, () => false)
  expect(number.frameOf(output(7))).not.toBe(number.frameOf(output(7)))
})

test('the second attachment of one socket has a number of its own', () => {
  const numbers = new ChannelNumbers()
  const first = numbers.take(ID, () => false)
  const second = numbers.take(ID, (value) => value === first.value)
  expect(second.value).not.toBe(first.value)
  numbers.giveBack(ID, second)
  expect(numbers.take(ID, () => false)).toBe(first)
  numbers.giveBack(ID, first)
  numbers.giveBack(ID, first)
  expect(numbers.take(ID, () => false)).not.toBe(first)
})

test('what was skipped takes no room in the window', () => {
  const window = new ChannelWindow({ wasCut: false }, 4096)
  const arrived: number[] = []
  window.onArrived((offset) => arrived.push(offset))
  window.begin(100)
  expect(window.room()).toBe(4096)
  window.sent(1100)
  expect(window.room()).toBe(3096)
  window.skipped(1100, 900_000)
  expect(window.room()).toBe(3096)
  window.sent(901_000)
  expect(window.room()).toBe(2096)
  expect(window.acknowledge(1100)).toBe(1000)
  expect(window.room()).toBe(3096)
  expect(window.acknowledge(900_500)).toBe(899_400)
  expect(window.room()).toBe(3596)
  expect(window.acknowledge(100)).toBe(0)
  expect(() => window.acknowledge(901_001)).toThrow()
  expect(arrived).toEqual([1100, 900_500])
})
