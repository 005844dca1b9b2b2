import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileGlob } from './glob.js'

test.each([
  ['web1', 'web1', true],
  ['web1', 'WEB1', true],
  ['WEB1', 'web1', true],
  ['web1', 'web10', false],
  ['web1', 'aweb1', false],
  ['web*', 'web', true],
  ['web*', 'web10', true],
  ['web*', 'aweb', false],
  ['*web', 'aweb', true],
  ['*web', 'webs', false],
  ['w*b', 'wb', true],
  ['w*b', 'webbib', true],
  ['w*b', 'webs', false],
  ['web?', 'web1', true],
  ['web?', 'web', false],
  ['web?', 'web10', false],
  ['*.example.com', 'a.b.example.com', true],
  ['*.example.com', 'example.com', false],
  ['a.c', 'abc', false],
  ['a[b]', 'ab', false],
  ['*', '', true],
  ['**', '', true],
  ['*a*b*', 'xaxb', true],
  ['*a*b*', 'xbxa', false],
  ['?*?', 'ab', true],
  ['?*?', 'a', false],
])('the pattern %s and the text %s: %s', (pattern, text, expected) => {
  expect(compileGlob(pattern)(text)).toBe(expected)
})

/** What the two wildcards mean, said the slow way. */
function means(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  const [first, rest] = [pattern[0], pattern.slice(1)]
  if (first === '*') return means(rest, text) || (text !== '' && means(pattern, text.slice(1)))
  return text !== '' && (first === '?' || first === text[0]) && means(rest, text.slice(1))
}

test('whatever the pattern, a text matches when the wildcards can stand for what it has', () => {
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 })
  fc.assert(
    fc.property(pattern, text, (one, other) => {
      expect(compileGlob(one)(other)).toBe(means(one, other))
    }),
    { numRuns: 2_000 },
  )
})

test('a pattern made to be slow takes no more steps than pattern times text', () => {
  let read = 0
  const text = new Proxy(Object('a'.repeat(256)), {
    get: (target, key) => {
      if (key === 'toLowerCase') return () => text
      read += 1
      return target[key]
    },
  })
  expect(compileGlob(`${'a*'.repeat(500)}b`)(text)).toBe(false)
  expect(read).toBeLessThan(3 * 1_001 * 257)
})
