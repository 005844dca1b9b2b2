import { expect, test } from 'vitest'
import { applyChange, EMPTY_SCREEN, type Screen } from '../09-react-console/src/screen.js'

const text = (stream: 'stdout' | 'stderr', text: string) => ({ type: 'text', stream, text }) as const

test('09: pieces of one stream are joined, and those of two stay in order', () => {
  const changes = [text('stdout', 'a'), text('stdout', 'b'), text('stderr', 'c'), text('stdout', 'd')]
  expect(changes.reduce(applyChange, EMPTY_SCREEN).pieces).toEqual([
    { stream: 'stdout', text: 'ab' },
    { stream: 'stderr', text: 'c' },
    { stream: 'stdout', text: 'd' },
  ])
})

test('09: the oldest text makes room for new, and how much it was is said', () => {
  let screen: Screen = applyChange(EMPTY_SCREEN, text('stderr', 'x'.repeat(1_000)))
  screen = applyChange(screen, text('stdout', 'y'.repeat(99_500)))
  screen = applyChange(screen, text('stdout', 'z'))
  expect(screen.pieces.map(({ text }) => text.length)).toEqual([499, 99_501])
  expect(screen.dropped).toBe(501)
})

test('09: a command that writes to both streams in turn does not make the page slow', () => {
  let screen: Screen = EMPTY_SCREEN
  for (let line = 0; line < 5_000; line += 1) {
    screen = applyChange(screen, text(line % 2 === 0 ? 'stdout' : 'stderr', '.'))
  }
  expect(screen.pieces).toHaveLength(2_000)
  expect(screen.dropped).toBe(3_000)
})

test('09: bytes that never came are counted', () => {
  const screen = [100, 20].reduce((all, bytes) => applyChange(all, { type: 'gap', bytes }), EMPTY_SCREEN)
  expect(screen).toMatchObject({ missing: 120, result: null })
})
