import { describe, expect, test } from 'vitest'
import { escapeJson, visible, visibleLines } from './visible.js'

describe('visible', () => {
  test.each([
    ['plain – ünïcode 日本 👩‍👩‍👧', 'plain – ünïcode 日本 👩‍👩‍👧'],
    ['\u001b]52;c;x\u0007', '\\x1b]52;c;x\\x07'],
    ['\u009b2J', '\\x9b2J'],
    ['a\nb\tc\rd', 'a\\nb\\tc\\rd'],
    ['\u202egnp.exe\u2066', '\\u{202e}gnp.exe\\u{2066}'],
    ['\ufeff\u2028\u{e0041}', '\\u{feff}\\u{2028}\\u{e0041}'],
    ['\ud800', '\\u{d800}'],
  ])('%j becomes %j', (text, expected) => {
    expect(visible(text)).toBe(expected)
  })

  test('text that is visible stays as it is', () => {
    const once = visible(`\u001b[2J\\x1b\u202ea${'\u0301'.repeat(20)}b`)
    expect(visible(once)).toBe(once)
  })

  test('F28: a million marks on one letter take one place', () => {
    expect(visible(`a${'\u0301'.repeat(1_000_000)}b`)).toBe(`a${'\u0301'.repeat(8)}…b`)
  })

  test('keeps lines where lines are wanted', () => {
    expect(visibleLines('one\r\n\ttwo\u001b[2J\n')).toEqual(['one', '\ttwo\\x1b[2J', ''])
  })
})

test('JSON with what a terminal would act on escaped means the same', () => {
  const value = { text: '\u001b\u009b\u202e\u{e0041}\ud800 ok \n 👩‍👧' }
  const json = escapeJson(JSON.stringify(value, null, 2))
  expect(JSON.parse(json)).toEqual(value)
  expect(json).not.toMatch(/[\u007f-\u009f\u202e\u{e0000}-\u{e007f}]/u)
})
