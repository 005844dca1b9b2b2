import { expect, test } from 'vitest'
import { ScreenModes } from './screen-modes.js'

const ESC = '\u001b'
const ALWAYS = new ScreenModes().reset

function modesLeftOn(...chunks: string[]): string {
  const modes = new ScreenModes()
  for (const chunk of chunks) modes.follow(Buffer.from(chunk))
  return modes.reset.slice(0, -ALWAYS.length)
}

test.each([
  ['nothing', ['text'], ''],
  ['the alternate screen', [`${ESC}[?1049h${ESC}[H`], `${ESC}[?1049l`],
  ['a hidden cursor', [`${ESC}[?25l`], `${ESC}[?25h`],
  ['several modes at once', [`${ESC}[?1000;1006h`], `${ESC}[?1000l${ESC}[?1006l`],
  ['what was turned off again', [`${ESC}[?1049h`, `${ESC}[?1049l`], ''],
  ['a sequence in pieces', [`text${ESC}`, '[?10', '49h'], `${ESC}[?1049l`],
  ['a full reset', [`${ESC}[?1049h${ESC}c`], ''],
])('%s is left on', (_, chunks, expected) => {
  expect(modesLeftOn(...chunks)).toBe(expected)
})

test('tells changes, so that others can be told', () => {
  const modes = new ScreenModes()
  const told = ['text', `${ESC}[?2004h`, `${ESC}[31m`].map((text) => modes.follow(Buffer.from(text)))
  expect(told).toEqual([false, true, false])
})
