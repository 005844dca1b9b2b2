import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTempDir } from '@krown/testkit'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import { openSqlite } from '../../../src/db/open-sqlite.js'
import type { NodeId, OrgId } from '../../../src/model/ids.js'
import { writeFaultyThread } from '../db/faulty-thread.js'
import { draft } from './drafts.js'
import { countCommits, factsOf, journalOver, requireWhole } from './journal-fixture.js'

const UNAVAILABLE = { name: 'KrownError', code: 'AUDIT_UNAVAILABLE', retryable: true }

/** @param patch See `writeFaultyThread`. */
async function open(patch = '') {
  const dir = await createTempDir()
  onTestFinished(() => dir.stop())
  const threadFile = await writeFaultyThread(dir.path, patch)
  const file = join(dir.path, 'krown.db')
  const database = await openSqlite({ file, exclusive: true, threadFile })
  onTestFinished(() => database[Symbol.asyncDispose]())
  await database.migrate('auto')
  const counted = countCommits(database)
  const journal = journalOver(counted.database)
  const orgId = newId<OrgId>()
  const node = () => ({ id: newId<NodeId>(), started_at: 1, heartbeat_at: 1 })
  const write = (facts = {}) =>
    journal.write(orgId, [database.db.insertInto('nodes').values(node()).compile()], [draft({ facts })])
  const work = () =>
    journal.transact(
      orgId,
      async (trx) => trx.insertInto('nodes').values(node()).execute(),
      () => [draft()],
    )
  const stored = async () => (await database.db.selectFrom('nodes').select('id').execute()).length
  return { database, counted, orgId, write, work, stored, mark: join(dir.path, 'broken'), file }
}

test('H08: a full disk refuses a whole group in one go, stores nothing of it, and recovers', async () => {
  const { database, counted, orgId, write, work, stored } = await open()
  await write()
  const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(database.db)
  await sql`pragma max_page_count = ${sql.lit(rows[0]?.page_count ?? 0)}`.execute(database.db)
  const big = { noise: 'x'.repeat(20_000) }
  counted.commits = 0
  const writes = await Promise.allSettled([...Array.from({ length: 30 }, () => write(big)), work()])
  // What fits into the last page may go through; what does not fit is refused.
  const refused = writes.filter(({ status }) => status === 'rejected')
  expect(refused.length).toBeGreaterThan(0)
  for (const one of refused) expect(one).toMatchObject({ reason: UNAVAILABLE })
  expect(counted.commits).toBeLessThan(4)
  const kept = 1 + writes.length - refused.length
  expect(await stored()).toBe(kept)
  await requireWhole(database, orgId, kept)
  await sql`pragma max_page_count = 1000000`.execute(database.db)
  await write(big)
  await requireWhole(database, orgId, kept + 1)
})

test.each([
  ['SQLITE_IOERR_FSYNC', 'commit'],
  ['SQLITE_IOERR_WRITE', 'insert into "nodes"'],
  ['SQLITE_FULL', 'insert into "journal_entries"'],
  ['SQLITE_READONLY', 'begin'],
])('H08: a disk that answers %s to %s refuses units of both kinds, and recovers', async (code, at) => {
  const { database, orgId, write, work, stored, mark } = await open(`
    const { SqliteError } = Database
    onRun((sql) => sql.startsWith(${JSON.stringify(at)}), () => {
      if (existsSync(new URL('broken', import.meta.url))) throw new SqliteError('disk says no', '${code}')
    })`)
  await write()
  await writeFile(mark, '')
  const units = await Promise.allSettled([write(), write(), work(), work(), write()])
  for (const unit of units) expect(unit).toMatchObject({ reason: UNAVAILABLE })
  await rm(mark)
  expect(await stored()).toBe(1)
  await Promise.all([write(), work()])
  expect(await stored()).toBe(3)
  await requireWhole(database, orgId, 3)
})

test('H08: a thread that dies under load loses nothing that it acknowledged', async () => {
  const { database, orgId, write, mark, file } = await open(`
    let commits = 0
    onRun((sql) => sql === 'commit', () => {
      if (existsSync(new URL('broken', import.meta.url)) && ++commits === 4) process.exit(9)
    })`)
  await writeFile(mark, '')
  const acknowledged: number[] = []
  const writeInTurn = async (_: unknown, turn: number) => {
    for (let round = 0; round < 20; round += 1) {
      const own = turn * 100 + round
      await write({ own }).then(
        () => acknowledged.push(own),
        (error: unknown) => expect(error).toMatchObject(UNAVAILABLE),
      )
    }
  }
  await Promise.all(Array.from({ length: 8 }, writeInTurn))
  await database[Symbol.asyncDispose]()
  const next = await openSqlite({ file, exclusive: true })
  onTestFinished(() => next[Symbol.asyncDispose]())
  const stored = (await factsOf(next, orgId)).map(({ own }) => own as number)
  expect(stored.sort((a, b) => a - b)).toEqual(acknowledged.sort((a, b) => a - b))
  expect(stored.length).toBeGreaterThan(0)
  await requireWhole(next, orgId, stored.length)
})
