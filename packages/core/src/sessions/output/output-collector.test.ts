import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OutputBudget } from './output-budget.js'
import { OutputCollector } from './output-collector.js'

const plenty = () => new OutputBudget()

test('when the process has no more to spare, what was kept stays and the rest is cut', () => {
  const budget = new OutputBudget(6_000)
  const [first, second] = [new OutputCollector(4_096, budget), new OutputCollector(4_096, budget)]
  first.append(Buffer.alloc(4_000, 'a'))
  second.append(Buffer.alloc(1_000, 'b'))
  second.append(Buffer.alloc(1_000, 'c'))
  expect([first.truncated, second.truncated]).toEqual([false, true])
  expect(second.toText().text).toBe(`${'b'.repeat(1_000)}${'c'.repeat(24)}`)
  first.leaveBudget()
  const third = new OutputCollector(4_096, budget)
  third.append(Buffer.alloc(4_000, 'd'))
  expect(third).toMatchObject({ truncated: false, keptBytes: 4_000 })
})

test('it keeps the first bytes, whatever the chunks, and says when there were more', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 30 }),
      fc.integer({ min: 0, max: 3_000 }),
      (chunks, maxBytes) => {
        const collector = new OutputCollector(maxBytes, plenty())
        for (const chunk of chunks) collector.append(Buffer.from(chunk))
        const printed = Buffer.concat(chunks)
        expect(collector.keptBytes).toBe(Math.min(maxBytes, printed.length))
        expect(collector.truncated).toBe(printed.length > maxBytes)
        const { text, encoding } = collector.toText()
        if (encoding === 'base64') expect(Buffer.from(text, 'base64')).toEqual(printed.subarray(0, maxBytes))
      },
    ),
  )
})

test('text that is cut anywhere stays text and loses at most the cut character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.nat(100), (text, cut) => {
      const bytes = Buffer.from(text.toWellFormed(), 'utf8')
      const collector = new OutputCollector(cut, plenty())
      collector.append(bytes)
      const collected = collector.toText()
      expect(collected.encoding).toBe('utf8')
      expect(text.toWellFormed().startsWith(collected.text)).toBe(true)
      expect(Buffer.byteLength(collected.text)).toBeGreaterThan(Math.min(cut, bytes.length) - 4)
    }),
  )
})

test('a cut character at the end of output that was not cut is not repaired', () => {
  const collector = new OutputCollector(100, plenty())
  collector.append(Buffer.from('ab€').subarray(0, 4))
  expect(collector.toText().encoding).toBe('base64')
})

test('bytes that are no UTF-8 elsewhere make it base64 with all that was kept', () => {
  const collector = new OutputCollector(4, plenty())
  collector.append(Buffer.from([0xff, 0x61, 0x62, 0xe2, 0x82]))
  expect(collector.toText()).toEqual({
    text: Buffer.from([0xff, 0x61, 0x62, 0xe2]).toString('base64'),
    encoding: 'base64',
  })
})

test('its text is made once for all who ask, while nothing more comes and after its end', () => {
  const collector = new OutputCollector(100, plenty())
  collector.append(Buffer.from('one'))
  const before = collector.toText()
  expect(collector.toText()).toBe(before)
  collector.append(Buffer.from(' two'))
  expect(collector.toText()).toEqual({ text: 'one two', encoding: 'utf8' })
  collector.leaveBudget()
  expect(collector.toText()).toBe(collector.toText())
  expect(collector.toText()).toEqual({ text: 'one two', encoding: 'utf8' })
})
