import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { Database } from '../../../src/db/database.js'
import { JournalTail } from '../../../src/journal-reading/journal-tail.js'
import type { Actor } from '../../../src/model/actor.js'
import type { OrgId } from '../../../src/model/ids.js'
import type { JournalEntry } from '../../../src/model/journal.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { elapse, krownStarter, refusalOf } from '../../support/krown-fixture.js'
import { draft } from './drafts.js'
import { journalOver } from './journal-fixture.js'

/** Lets everybody in. */
const OPEN_GATE = { run: async (_actor: unknown, _useCase: unknown, work: () => Promise<unknown>) => work() }

/** A tail whose clock stands still: unless it is moved, only the bell wakes a reader. */
function tailOf(database: Database) {
  const clock = new FakeClock()
  const journal = journalOver(database)
  const orgId = newId<OrgId>()
  const tail = new JournalTail({ gate: OPEN_GATE as never, db: database.db, clock, journal })
  const actor: Actor = { kind: 'system', userId: newId(), orgId, username: 'system', clientIp: null }
  const follow = (after?: number) => tail.follow(actor, { after })
  return { clock, journal, orgId, tail, follow }
}

async function take(entries: AsyncIterator<JournalEntry>, count: number): Promise<number[]> {
  const numbers: number[] = []
  while (numbers.length < count) numbers.push((await entries.next()).value.seq)
  return numbers
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

describeOnBothDatabases('the tail of the journal', (openTestDatabase) => {
  test('a commit wakes who follows, and while many append at once each entry comes once, in order', async () => {
    await using opened = await openTestDatabase()
    const { journal, orgId, follow } = tailOf(opened.database)
    const [early, late] = [follow(0), follow(0)]
    const reading = take(early, 300)
    await Promise.all(upTo(300).map(() => journal.append(orgId, [draft()])))
    expect(await reading).toEqual(upTo(300))
    expect(await take(late, 300)).toEqual(upTo(300))
    const next = early.next()
    await journal.append(newId<OrgId>(), [draft()])
    await journal.append(orgId, [draft({ facts: { mine: true } })])
    expect((await next).value).toMatchObject({ seq: 301, facts: { mine: true } })
    for (const entries of [early, late]) await entries.return(undefined)
  })

  test('what another process commits is seen within a second', async () => {
    await using opened = await openTestDatabase()
    const { clock, orgId, follow } = tailOf(opened.database)
    const other = journalOver(await opened.openAgain())
    await other.append(orgId, [draft()])
    const entries = follow(0)
    expect(await take(entries, 1)).toEqual([1])
    const next = take(entries, 1)
    await other.append(orgId, [draft()])
    await elapse(clock, next)
    expect(await next).toEqual([2])
    await entries.return(undefined)
    expect(clock.pendingTimers).toBe(0)
  })

  test('stopping ends all following, also where nothing happens', async () => {
    await using opened = await openTestDatabase()
    const { tail, follow } = tailOf(opened.database)
    const waiting = [follow(0), follow()].map((entries) => refusalOf(entries.next()))
    tail.stop()
    for (const end of waiting) expect((await end).code).toBe('DRAINING')
    expect((await refusalOf(follow(0).next())).code).toBe('DRAINING')
  })

  test('B10: who may read the journal no more is let go while nothing happens', async () => {
    const clock = new FakeClock()
    await using fixture = await krownStarter(openTestDatabase)({ clock })
    const { auditor } = fixture.actors
    const [newest] = await fixture.entries()
    const tail = fixture.as('auditor').journal.follow({ after: 0 })[Symbol.asyncIterator]()
    expect((await tail.next()).value).toEqual(newest)
    const set = { audit_scope: 'own' as const }
    await fixture.db.updateTable('memberships').set(set).where('user_id', '=', auditor.userId).execute()
    let read = 0
    const ended = refusalOf(
      (async () => {
        for (let step = await tail.next(); !step.done; step = await tail.next()) read += 1
      })(),
    )
    await elapse(clock, ended)
    expect(await ended).toMatchObject({ code: 'FORBIDDEN', details: { permission: 'journal:read' } })
    expect(read).toBeGreaterThan(0)
  })
})
