import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from './duration.js'

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['5m', 300_000],
  ['24h', 86_400_000],
  ['30d', 2_592_000_000],
  ['0s', 0],
  ['1h30m', 5_400_000],
  ['1d2h3m4s5ms', 93_784_005],
])('%s is %d milliseconds', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each([
  '',
  '30',
  '30 s',
  's',
  '-1s',
  '1.5h',
  '30S',
  '30sec',
  '5m1h',
  '1h1h',
  '1s\n',
  '٣s',
  '999999999999999d',
  '1e3s',
])('%j is not a duration', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})

test('every duration is written as a text that reads back to the same', () => {
  fc.assert(fc.property(fc.nat({ max: 2 ** 45 }), (ms) => parseDuration(formatDuration(ms)) === ms))
})

test('a duration is written in its largest whole unit', () => {
  expect([0, 1, 1_000, 90_000, 3_600_000, 86_400_000].map(formatDuration)).toEqual([
    '0s',
    '1ms',
    '1s',
    '90s',
    '1h',
    '1d',
  ])
})
