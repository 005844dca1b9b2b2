import { expect, test } from 'vitest'
import type { TargetId } from '../../model/ids.js'
import { MAX_JUMPS } from '../dialing/dial-plan.js'
import { JumpWays } from './jump-ways.js'

const id = (name: string) => name as TargetId

/** `a>b`: b is reached through a; `a`: a is dialled directly. */
function waysOf(...ways: string[]): JumpWays {
  return new JumpWays(
    ways.map((way) => {
      const [last = '', jump] = way.split('>').reverse()
      return { id: id(last), jumpTargetId: jump === undefined ? null : id(jump) }
    }),
  )
}

/** `hop0>hop1`, `hop1>hop2` and so on, so many targets. */
function chain(name: string, targets: number): string[] {
  return Array.from({ length: targets }, (_, n) => (n === 0 ? `${name}0` : `${name}${n - 1}>${name}${n}`))
}

test('a target is reached directly, or through one that is known', () => {
  const ways = waysOf('gate')
  expect(ways.problemOf({ id: null, jumpTargetId: null })).toBeUndefined()
  expect(ways.problemOf({ id: null, jumpTargetId: id('gate') })).toBeUndefined()
  expect(ways.problemOf({ id: null, jumpTargetId: id('other') })).toBe('unknown')
})

test('no target is reached through itself, however long the way round', () => {
  const ways = waysOf(...chain('hop', 4))
  for (const jump of ['hop0', 'hop1', 'hop3']) {
    expect(ways.problemOf({ id: id('hop0'), jumpTargetId: id(jump) })).toBe('through itself')
  }
  expect(ways.problemOf({ id: id('hop3'), jumpTargetId: id('hop0') })).toBeUndefined()
})

test('a way is as long as it may be with what is behind its end', () => {
  const ways = waysOf(...chain('hop', MAX_JUMPS), ...chain('leaf', 2), 'leaf0>short')
  const jumpTargetId = id(`hop${MAX_JUMPS - 1}`)
  expect(ways.problemOf({ id: null, jumpTargetId })).toBeUndefined()
  expect(ways.problemOf({ id: id('short'), jumpTargetId })).toBeUndefined()
  expect(ways.problemOf({ id: id('leaf0'), jumpTargetId })).toBe('too long')
  ways.place({ id: id('end'), jumpTargetId })
  expect(ways.problemOf({ id: null, jumpTargetId: id('end') })).toBe('too long')
})

test('what was moved counts where it is now', () => {
  const ways = waysOf(...chain('hop', MAX_JUMPS), ...chain('leaf', 2))
  const jumpTargetId = id(`hop${MAX_JUMPS - 1}`)
  ways.place({ id: id('leaf1'), jumpTargetId: null })
  expect(ways.problemOf({ id: id('leaf0'), jumpTargetId })).toBeUndefined()
  ways.place({ id: id('hop0'), jumpTargetId: id('leaf1') })
  expect(ways.problemOf({ id: id('leaf0'), jumpTargetId })).toBe('too long')
  expect(ways.problemOf({ id: id('leaf1'), jumpTargetId })).toBe('through itself')
})
