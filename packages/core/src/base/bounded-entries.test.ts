import { expect, test } from 'vitest'
import { BoundedEntries } from './bounded-entries.js'

interface Entry {
  seq: number
  textLength?: number
}

/** Numbers of what is held, in order. */
function held(entries: BoundedEntries<Entry>): number[] {
  const numbers: number[] = []
  for (let entry = entries.after(0); entry; entry = entries.after(entry.seq)) numbers.push(entry.seq)
  return numbers
}

test('an entry is found by the number before it', () => {
  const entries = new BoundedEntries<Entry>()
  for (const seq of [1, 2, 5, 9]) entries.append({ seq })
  expect([0, 1, 2, 4, 5, 8, 9].map((seq) => entries.after(seq)?.seq)).toEqual([1, 2, 5, 5, 9, 9, undefined])
})

test('output is dropped before anything else, the oldest first', () => {
  const entries = new BoundedEntries<Entry>()
  entries.append({ seq: 1, textLength: 10 })
  for (let seq = 2; seq <= 10_000; seq += 1) entries.append({ seq })
  const numbers = held(entries)
  expect(numbers[0]).toBe(1)
  expect(numbers.length).toBeLessThan(2_500)
  expect(numbers.slice(1)).toEqual(numbers.slice(1).map((_, index) => 10_002 - numbers.length + index))
  expect(entries.lifecycleLostTo).toBe(0)
})

test('what is no output is bounded as well, and it is known what was dropped', () => {
  const entries = new BoundedEntries<Entry>()
  for (let seq = 1; seq <= 10_000; seq += 1) entries.append({ seq, textLength: 1 })
  const numbers = held(entries)
  expect(numbers.at(-1)).toBe(10_000)
  expect(numbers.length).toBeLessThan(2_500)
  expect(entries.lifecycleLostTo).toBe((numbers[0] ?? 0) - 1)
  expect(entries.size).toBeLessThan(1024 * 1024)
})

test('texts are bounded together, and the newest is always held', () => {
  const entries = new BoundedEntries<Entry>()
  for (let seq = 1; seq <= 100; seq += 1) entries.append({ seq, textLength: 64 * 1024 })
  expect(held(entries)).toEqual([93, 94, 95, 96, 97, 98, 99, 100])
  expect(entries.lifecycleLostTo).toBe(92)
  expect(entries.size).toBeLessThan(2 * 1024 * 1024)
})
