import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SafeTerminal } from './safe-terminal.js'

const SIZE = { columns: 80, rows: 24 }
const filter = (text: string) => new SafeTerminal(SIZE).filter(text)

// Whatever may come out: text, the controls that move, and sequences of a fixed shape with small numbers.
const SAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /^(?:[^\u0000-\u001f\u007f-\u009f]|[\b\t\n\v\f\r\u000e\u000f]|\u001b[78DEHM]|\u001b[()][0B]|\u001b\[[0-9;:]*m|\u001b\[\d{0,4}(?:;\d{0,4})?[A-HJ-MPSTXZ@`abdefgIrsu]|\u001b\[!p|\u001b\[4[hl]|\u001b\[\?(?:(?:6|7|25|47|1047|1048|1049);?)+[hl])*$/u

/** Pieces of which terminals have been attacked. */
const HOSTILE = {
  'clipboard (OSC 52)': '\u001b]52;c;ZXZpbA==\u0007',
  'clipboard, ended by ST': '\u001b]52;c;ZXZpbA==\u001b\\',
  'clipboard, by C1': '\u009d52;c;ZXZpbA==\u009c',
  title: '\u001b]0;evil\u0007',
  'title of the window': '\u001b]2;evil\u0007',
  font: '\u001b]50;evil\u0007',
  'link (OSC 8)': '\u001b]8;;javascript:alert(1)\u001b\\',
  'title report': '\u001b[21t',
  'window moved': '\u001b[3;0;0t',
  'window resized': '\u001b[8;1000;1000t',
  'request for settings (DECRQSS)': '\u001bP$q"p\u001b\\',
  'device control, with a bell': '\u001bP1$r\u00070m\u001b\\',
  sixel: '\u001bPq#0;2;0;0;0#0!9999999~\u001b\\',
  'application command': '\u001b_Gi=1;evil\u001b\\',
  'private message': '\u001b^evil\u001b\\',
  'start of string': '\u001bXevil\u001b\\',
  'device report': '\u001b[c',
  'second device report': '\u001b[>c',
  'third device report': '\u001b[=c',
  'cursor report': '\u001b[6n',
  'private report': '\u001b[?6n',
  'version report': '\u001b[>0q',
  'report of a mode': '\u001b[?2004$p',
  'answerback (ENQ)': '\u0005',
  bell: '\u0007',
  printing: '\u001b[5i',
  mouse: '\u001b[?1003h\u001b[?1006h',
  'bracketed paste': '\u001b[?2004h',
  'cursor keys': '\u001b[?1h',
  'keypad keys': '\u001b=',
  'modified keys': '\u001b[>4;2m',
  'keyboard protocol': '\u001b[>1u',
  'checksum of the screen': '\u001b[1;1;1;1;9;9*y',
  'what scrolled off': '\u001b[3J',
  'another width': '\u001b[?3h',
  delete: '\u007f',
}

describe('G09 F28: nothing of it comes through', () => {
  test.each(Object.entries(HOSTILE))('%s', (_, hostile) => {
    expect(filter(`a${hostile}b`)).toBe('ab')
  })

  test.each(Object.entries(HOSTILE))('%s, in pieces of one character', (_, hostile) => {
    const terminal = new SafeTerminal(SIZE)
    const out = [...`a${hostile}b`].map((char) => terminal.filter(char))
    expect(out.join('')).toBe('ab')
  })
})

test.each([
  ['colours', '\u001b[1;38;5;196mred\u001b[0m \u001b[38:2::255:0:0mred\u001b[m'],
  ['the cursor', '\u001b[5;10Hx\u001b[2A\u001b[3C\u001b7\u001b8\u001b[s\u001b[u'],
  ['erasing', '\u001b[2J\u001b[K\u001b[1K\u001b[4P\u001b[4X\u001b[2@'],
  ['the other screen', '\u001b[?1049h\u001b[?25l\u001b[?1049l\u001b[?25h'],
  ['scrolling', '\u001b[2;20r\u001b[3S\u001b[3T\u001bM\u001bD\u001b[2L\u001b[2M'],
  ['lines for boxes', '\u001b(0lqqk\u001b(B\u000e\u000f'],
  ['text', 'naïve 日本語 👩‍👩‍👧 e\u0301\r\n\ttab\b'],
])('%s comes through as it is', (_, text) => {
  expect(filter(text)).toBe(text)
})

test('G09: numbers reach no further than the terminal', () => {
  expect(filter('\u001b[1000000000C')).toBe('\u001b[80C')
  expect(filter('\u001b[999999999999;999999999999H')).toBe('\u001b[24;80H')
  expect(filter('x\u001b[1000000000b')).toBe('x\u001b[80b')
  const terminal = new SafeTerminal(SIZE)
  terminal.resize({ columns: 10, rows: 5 })
  expect(terminal.filter('\u001b[99C\u001b[99B')).toBe('\u001b[10C\u001b[5B')
})

test('of several modes at once only the safe ones are left', () => {
  expect(filter('\u001b[?1000;1049;2004h')).toBe('\u001b[?1049h')
})

test('a whole reset clears the screen, and leaves the terminal as it was set up', () => {
  expect(filter('\u001bc')).not.toContain('\u001bc')
  expect(filter('\u001bc')).toContain('\u001b[2J')
})

test('F28: of a million combining marks a few are left', () => {
  const terminal = new SafeTerminal(SIZE)
  let length = terminal.filter('e').length
  for (let at = 0; at < 1000; at++) length += terminal.filter('\u0301'.repeat(1000)).length
  expect(length).toBeLessThan(64)
})

test('an endless sequence or string is held nowhere and shown nowhere', () => {
  for (const start of ['\u001b[', '\u001b]52;c;', '\u001bP']) {
    const terminal = new SafeTerminal(SIZE)
    terminal.filter(start)
    let shown = ''
    for (let at = 0; at < 100; at++) shown += terminal.filter('1'.repeat(1000))
    expect(shown).toBe('')
    expect(terminal.filter('\u0018ok')).toBe('ok')
  }
})

const piece = fc.oneof(
  fc.constantFrom(...Object.values(HOSTILE)),
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('\u001b', '[', ']', '?', ';', '5', '9', 'm', 'H', 't', '\\', '\u0007', '\u009b'),
  }),
)
const stream = fc.array(piece).map((pieces) => pieces.join(''))

test('G09: whatever comes in, only what is known to be safe comes out', () => {
  fc.assert(
    fc.property(stream, (text) => {
      expect(filter(text)).toMatch(SAFE)
    }),
    { numRuns: 2000 },
  )
})

test('where the pieces are cut makes no difference', () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(64)), (text, cuts) => {
      const terminal = new SafeTerminal(SIZE)
      // Between characters: the decoder before it cuts nowhere else.
      const chars = [...text]
      let out = ''
      for (const cut of cuts) out += terminal.filter(chars.splice(0, cut).join(''))
      out += terminal.filter(chars.join(''))
      expect(out).toBe(filter(text))
    }),
    { numRuns: 2000 },
  )
})

test('what came through comes through again unchanged', () => {
  fc.assert(
    fc.property(stream, (text) => {
      expect(filter(filter(text))).toBe(filter(text))
    }),
    { numRuns: 1000 },
  )
})
