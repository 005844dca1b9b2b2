import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PlainText } from './plain-text.js'

const plain = (text: string) => new PlainText().filter(text)

test('colours, titles and links are gone, and the words are there', () => {
  expect(plain('\u001b]0;title\u0007\u001b[31mred\u001b[0m \u001b]8;;x:\u0007link\u001b]8;;\u0007\n')).toBe(
    'red link\n',
  )
})

test('lines end with LF, whatever they ended with', () => {
  expect(plain('one\r\ntwo\nthree\r\r\nfour')).toBe('one\ntwo\nthree\nfour')
})

test('what a progress bar wrote over stays, as lines', () => {
  expect(plain('10%\r50%\r100%\r\n')).toBe('10%\n50%\n100%\n')
})

test('words that a program put into other lines are not glued together', () => {
  expect(plain('\u001b[2J\u001b[1;1HName\u001b[5CSize\u001b[2;1Ha.txt')).toBe('Name     Size\na.txt')
})

test('no control but tab and line end ever comes out', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      expect(plain(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
    }),
    { numRuns: 2000 },
  )
})
