import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { newId } from '../../base/ids.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { OrgId, UserId } from '../../model/ids.js'
import { EntryAggregator } from './entry-aggregator.js'

const orgId = newId<OrgId>()
const draft: JournalDraft = {
  action: 'access.denied',
  outcome: 'denied',
  actor: { kind: 'system', userId: newId<UserId>(), username: 'system', clientIp: null },
  facts: { code: 'FORBIDDEN' },
}

function createAggregator() {
  const clock = new FakeClock()
  const written: JournalDraft[] = []
  let failing = false
  const append = async (_orgId: OrgId, entries: readonly JournalDraft[]) => {
    if (failing) throw new Error('the journal is down')
    written.push(...entries)
  }
  const aggregator = new EntryAggregator({ journal: { append }, clock })
  const record = (key = 'a') =>
    aggregator.record(orgId, draft, { budget: 'b', perMinute: 2, key, summary: draft })
  return { clock, written, aggregator, record, fail: (value: boolean) => (failing = value) }
}

test('what was counted is written at the end of the minute, and the next minute begins anew', async () => {
  const { clock, written, record } = createAggregator()
  for (let i = 0; i < 5; i += 1) await record()
  await record('other')
  expect(written).toHaveLength(2)
  await clock.advanceAsync(60_000)
  expect(written.slice(2).map(({ facts }) => facts)).toEqual([
    { code: 'FORBIDDEN', count: 3 },
    { code: 'FORBIDDEN', count: 1 },
  ])
  await record()
  expect(written).toHaveLength(5)
})

test('a quiet minute writes nothing and leaves no timer behind', async () => {
  const { clock, written, record } = createAggregator()
  await record()
  await clock.advanceAsync(60_000)
  expect(written).toHaveLength(1)
  expect(clock.pendingTimers).toBe(0)
})

test('what cannot be written is kept and written later', async () => {
  const { clock, written, record, fail } = createAggregator()
  for (let i = 0; i < 5; i += 1) await record()
  fail(true)
  await clock.advanceAsync(60_000)
  fail(false)
  for (let i = 0; i < 3; i += 1) await record()
  await clock.advanceAsync(60_000)
  const counts = written.map(({ facts }) => facts?.count)
  expect(counts).toEqual([undefined, undefined, undefined, undefined, 4])
})

test('an entry that cannot be written is an error for whoever caused it', async () => {
  const { record, fail } = createAggregator()
  fail(true)
  await expect(record()).rejects.toThrow('the journal is down')
})
