import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatSize, parseSize } from './size.js'

test.each([
  ['0B', 0],
  ['512B', 512],
  ['64KiB', 65_536],
  ['1MiB', 1_048_576],
  ['1GiB', 1_073_741_824],
  ['2TiB', 2_199_023_255_552],
])('%s is %d bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes)
})

test.each([
  '',
  '64',
  '64 KiB',
  '64KB',
  '64kib',
  '64K',
  '1.5MiB',
  '-1B',
  'MiB',
  '1MiB ',
  '999999999999999TiB',
])('%j is not a size', (text) => {
  expect(parseSize(text)).toBeUndefined()
})

test('every size is written as a text that reads back to the same', () => {
  fc.assert(fc.property(fc.nat({ max: 2 ** 50 }), (bytes) => parseSize(formatSize(bytes)) === bytes))
})

test('a size is written in its largest whole unit', () => {
  expect([0, 1_000, 1_024, 1_536, 52_428_800].map(formatSize)).toEqual([
    '0B',
    '1000B',
    '1KiB',
    '1536B',
    '50MiB',
  ])
})
