import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { type Deferred, defer } from '../../base/deferred.js'
import { newId } from '../../base/ids.js'
import { silentLogger } from '../../base/logger.js'
import type { Trx } from '../../db/database.js'
import { KrownError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { OrgId, UserId } from '../../model/ids.js'
import { type EndResult, ResultJournal } from './result-journal.js'

const ORG = newId<OrgId>()
const ACTOR = { kind: 'system', userId: newId<UserId>(), username: 'system', clientIp: null } as const

const entry = (action: string): JournalDraft => ({ action, outcome: 'success', actor: ACTOR })

const late = (action: string): EndResult => ({ orgId: ORG, queries: [], entry: entry(action) })

/** A journal that is up, down, or slow until it is told to answer. */
class FakeJournal {
  readonly written: string[] = []
  readonly waiting: { readonly action: string; readonly answer: Deferred<void> }[] = []
  state: 'up' | 'down' | 'slow' = 'up'
  attempts = 0

  async write(_orgId: OrgId, _queries: readonly unknown[], entries: readonly JournalDraft[]): Promise<void> {
    this.attempts += 1
    const [{ action } = entry('none')] = entries
    if (this.state === 'slow') {
      const answer = defer<void>()
      this.waiting.push({ action, answer })
      await answer.promise
    }
    if (action === 'impossible') throw new Error('a constraint says no')
    if (this.state === 'down') throw new KrownError('AUDIT_UNAVAILABLE', 'down')
    this.written.push(action)
  }

  async transact<T>(
    orgId: OrgId,
    work: (trx: Trx) => Promise<T>,
    entries: (result: T) => readonly JournalDraft[],
  ): Promise<T> {
    const trx = { executeQuery: async (query: unknown) => ({ numAffectedRows: query as bigint }) }
    const result = await work(trx as never)
    for (const draft of entries(result)) await this.write(orgId, [], [draft])
    return result
  }
}

function startResults() {
  const clock = new FakeClock()
  const journal = new FakeJournal()
  const lost: unknown[] = []
  const logger = { ...silentLogger, error: (about: unknown) => lost.push(about) }
  return { clock, journal, lost, results: new ResultJournal({ journal, clock, logger }) }
}

test('a result that cannot be written is written when the journal is back, in order', async () => {
  const { clock, journal, results } = startResults()
  journal.state = 'down'
  expect(await results.write(late('one'))).toBe(false)
  expect(await results.write(late('two'))).toBe(false)
  expect(results.lateCount).toBe(2)
  await clock.advanceAsync(60_000)
  journal.state = 'up'
  await clock.advanceAsync(15_000)
  expect(journal.written).toEqual(['one', 'two'])
  expect(results.lateCount).toBe(0)
  expect(clock.pendingTimers).toBe(0)
})

test('retries back off, and are quick again after a success', async () => {
  const { clock, journal, results } = startResults()
  journal.state = 'down'
  await results.write(late('one'))
  journal.attempts = 0
  await clock.advanceAsync(10 * 60_000)
  expect(journal.attempts).toBeLessThan(50)
  journal.state = 'up'
  await clock.advanceAsync(15_000)
  journal.state = 'down'
  await results.write(late('two'))
  journal.state = 'up'
  await clock.advanceAsync(500)
  expect(journal.written).toEqual(['one', 'two'])
})

test('a result that becomes late while a slow retry is under way is written once, and nothing is lost', async () => {
  const { clock, journal, results } = startResults()
  journal.state = 'down'
  await results.write(late('one'))
  journal.state = 'slow'
  await clock.advanceAsync(500)
  expect(journal.waiting.map(({ action }) => action)).toEqual(['one'])
  journal.state = 'down'
  await results.write(late('two'))
  journal.state = 'slow'
  await clock.advanceAsync(60_000)
  expect(journal.waiting).toHaveLength(1)
  journal.state = 'up'
  journal.waiting[0]?.answer.resolve()
  await clock.advanceAsync(60_000)
  expect(journal.written).toEqual(['one', 'two'])
})

test('a flush joins the retry that is under way', async () => {
  const { clock, journal, results } = startResults()
  journal.state = 'down'
  await results.write(late('one'))
  await results.write(late('two'))
  journal.state = 'slow'
  await clock.advanceAsync(500)
  const flushed = results.flush()
  journal.state = 'up'
  journal.waiting[0]?.answer.resolve()
  await flushed
  expect(journal.written).toEqual(['one', 'two'])
})

test('a flush tries at once, and gives up when the journal is still down', async () => {
  const { clock, journal, results } = startResults()
  journal.state = 'down'
  await results.write(late('one'))
  await results.flush()
  expect(results.lateCount).toBe(1)
  journal.state = 'up'
  await results.flush()
  expect(journal.written).toEqual(['one'])
  expect(clock.pendingTimers).toBe(0)
})

test('after the stop nothing is retried, not even what becomes late then; what is lost is said', async () => {
  const { clock, journal, lost, results } = startResults()
  journal.state = 'down'
  await results.write(late('one'))
  results.stop()
  await results.write(late('two'))
  expect(clock.pendingTimers).toBe(0)
  journal.state = 'up'
  await clock.advanceAsync(60_000)
  expect(journal.written).toEqual([])
  expect(lost).toMatchObject([{ action: 'one' }, { action: 'two' }])
})

test('a result that can never be written does not hold up the others', async () => {
  const { clock, journal, lost, results } = startResults()
  expect(await results.write(late('impossible'))).toBe(false)
  expect(results.lateCount).toBe(0)
  expect(lost).toMatchObject([{ action: 'impossible', err: { message: 'a constraint says no' } }])
  journal.state = 'down'
  await results.write(late('one'))
  journal.state = 'up'
  await clock.advanceAsync(500)
  expect(journal.written).toEqual(['one'])
})

test('where nothing was stored, nothing is journaled', async () => {
  const { journal, results } = startResults()
  const changing = (rows: bigint) => [rows] as never
  expect(await results.write({ ...late('none'), queries: changing(0n), onlyIfStored: true })).toBe(true)
  expect(await results.write({ ...late('one'), queries: changing(1n), onlyIfStored: true })).toBe(true)
  expect(journal.written).toEqual(['one'])
})
