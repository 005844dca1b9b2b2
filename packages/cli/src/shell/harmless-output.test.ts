import { expect, test } from 'vitest'
import { HarmlessOutput } from './harmless-output.js'

const ESC = '\u001b'
const filter = (text: string, forTyping = false) =>
  new HarmlessOutput({ forTyping }).filter(Buffer.from(text))

test.each([
  ['plain text', 'ünïcode 日本 👩‍👩‍👧\r\n\tend\b'],
  ['colours', `${ESC}[1;38;5;196mred${ESC}[0m ${ESC}[38:2::1:2:3mtrue`],
  ['cursor and erasing', `${ESC}[2J${ESC}[10;20H${ESC}[K${ESC}[3A${ESC}[2;20r${ESC}7${ESC}8${ESC}M`],
  ['the alternate screen', `${ESC}[?1049h${ESC}[?25l`],
  ['line drawing', `${ESC}(0lqk${ESC}(B`],
])('%s stays as it is', (_, text) => {
  expect(filter(text)).toBe(text)
})

test.each([
  ['OSC 52, the clipboard', `${ESC}]52;c;aGk=\u0007`],
  ['a title', `${ESC}]0;title${ESC}\\`],
  ['OSC 8, a link', `${ESC}]8;;javascript:x\u0007`],
  ['a colour request', `${ESC}]11;?\u0007`],
  ['DECRQSS', `${ESC}P$qm${ESC}\\`],
  ['a sixel bomb', `${ESC}Pq${'#0!9999~'.repeat(10_000)}${ESC}\\`],
  ['APC, PM and SOS', `${ESC}_a${ESC}\\${ESC}^b${ESC}\\${ESC}Xc${ESC}\\`],
  ['device attributes', `${ESC}[c${ESC}[>c${ESC}[=c${ESC}[0c${ESC}Z`],
  ['device status', `${ESC}[5n${ESC}[6n${ESC}[?6n`],
  ['mode requests', `${ESC}[?1049$p${ESC}[4$p`],
  ['version and keyboard requests', `${ESC}[>q${ESC}[?u`],
  ['the window, its title and its size', `${ESC}[21t${ESC}[8;1;1t`],
  ['printing', `${ESC}[5i`],
  ['the answerback and the bell', '\u0005\u0007'],
  ['mouse, focus and paste modes', `${ESC}[?1000h${ESC}[?1003;1006h${ESC}[?1004h${ESC}[?2004h`],
  ['eight-bit controls', '\u009b\u0090\u009d'],
  ['an endless sequence', `${ESC}[${'1;'.repeat(100_000)}m`],
])('F28: %s is left out', (_, text) => {
  expect(filter(`a${text}b`)).toBe('ab')
})

test('F28: of several modes those that paint stay', () => {
  expect(filter(`${ESC}[?1000;1049h`)).toBe(`${ESC}[?1049h`)
})

test('F28: a million marks on a letter are as many as a language has', () => {
  expect(filter(`a${'\u0301'.repeat(1_000_000)}b`)).toBe(`a${'\u0301'.repeat(8)}b`)
})

test('F28: what is left out in one piece is left out in any', () => {
  const hostile = Buffer.from(
    `é${ESC}]52;c;x${ESC}\\${ESC}[31mä${ESC}P$qm${ESC}\\日${ESC}[6n${ESC}[?25;1000lz`,
  )
  const whole = new HarmlessOutput({ forTyping: false }).filter(hostile)
  const bytewise = new HarmlessOutput({ forTyping: false })
  expect([...hostile].map((byte) => bytewise.filter(Uint8Array.of(byte))).join('')).toBe(whole)
  expect(whole).toBe(`é${ESC}[31mä日${ESC}[?25lz`)
})

test('who types keeps what decides how keys are sent', () => {
  const modes = `${ESC}[?1h${ESC}=${ESC}[?1000;1006h${ESC}[?2004h`
  expect([filter(modes), filter(modes, true), filter(`${ESC}[6n`, true)]).toEqual(['', modes, ''])
})
