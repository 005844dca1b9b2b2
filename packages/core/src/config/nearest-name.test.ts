import { expect, test } from 'vitest'
import { nearestName } from './nearest-name.js'

const KNOWN = ['host', 'port', 'connect_timeout', 'command_timeout']

test.each([
  ['hots', 'host'],
  ['prot', 'port'],
  ['conect_timeout', 'connect_timeout'],
  ['comand_timeot', 'command_timeout'],
])('%s was probably meant to be %s', (written, meant) => {
  expect(nearestName(written, KNOWN)).toBe(meant)
})

test.each(['', 'xy', 'colour', 'p'.repeat(100_000)])('nothing is near to what is not alike', (written) => {
  expect(nearestName(written, KNOWN)).toBeUndefined()
})
