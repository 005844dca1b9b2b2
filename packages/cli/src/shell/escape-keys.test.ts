import { expect, test } from 'vitest'
import { EscapeKeys } from './escape-keys.js'

/** Keys as text, requests in brackets. */
function typed(character: string | undefined, ...chunks: string[]): string {
  const keys = new EscapeKeys(character)
  const all = chunks.flatMap((chunk) => keys.take(Buffer.from(chunk, 'latin1')))
  return all
    .map((one) => (one.request ? `[${one.request}]` : Buffer.from(one.keys).toString('latin1')))
    .join('')
}

test.each([
  ['at the very beginning', ['~.'], '[end]'],
  ['after a newline', ['ls\r~d'], 'ls\r[leave]'],
  ['in pieces', ['ls\n', '~', '?'], 'ls\n[help]'],
  ['one after another', ['\r~?~.'], '\r[help][end]'],
  ['doubled', ['\r~~.'], '\r~.'],
  ['before another key', ['\r~x~.'], '\r~x~.'],
  ['in the middle of a line', ['cd ~.'], 'cd ~.'],
  ['with keys behind it', ['\r~?ls\r'], '\r[help]ls\r'],
])('an escape %s', (_, chunks, expected) => {
  expect(typed('~', ...chunks)).toBe(expected)
})

test('another character, or none, takes the place of the tilde', () => {
  expect([typed('%', '\r%.'), typed('%', '\r~.'), typed(undefined, '\r~.')]).toEqual([
    '\r[end]',
    '\r~.',
    '\r~.',
  ])
})

test('every byte passes unchanged', () => {
  const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('')
  expect(typed('~', `x${all}`)).toBe(`x${all}`)
})
