import { expect, test } from 'vitest'
import { partsOf } from './known-hosts-parts.js'

const many = (count: number, line: string) => Array.from({ length: count }, () => line)

test('a small file is one part, whatever its lines are', () => {
  expect(partsOf('')).toEqual([{ text: '', before: 0 }])
  expect(partsOf('# a\n\nweb1 ssh-ed25519 AAAA\n')).toEqual([
    { text: '# a\n\nweb1 ssh-ed25519 AAAA\n', before: 0 },
  ])
})

test.each([
  ['lines', many(5_000, 'web1 ssh-ed25519 AAAA'), [0, 2_000, 4_000]],
  ['hosts', many(300, `@revoked ${many(10, 'web1').join()} ssh-ed25519 AAAA`), [0, 200]],
  ['characters', many(3, `web1 ${'A'.repeat(100_000)}`), [0, 1, 2]],
])('a part has at most so many %s', (_, lines, beginnings) => {
  const parts = partsOf(lines.join('\n'))
  expect(parts.map(({ before }) => before)).toEqual(beginnings)
  expect(parts.map(({ text }) => text).join('\n')).toBe(lines.join('\n'))
})

test('a line that is too long or names too many goes alone', () => {
  const long = `${many(5_000, 'web1').join()} ssh-ed25519 ${'A'.repeat(200_000)}`
  const parts = partsOf(['web1 ssh-ed25519 AAAA', long, 'web2 ssh-ed25519 AAAA'].join('\n'))
  expect(parts.map(({ before }) => before)).toEqual([0, 1, 2])
  expect(parts[1]?.text).toHaveLength(128 * 1024)
})
