import { createTestDatabase, FakeClock, startFaultProxy, waitFor } from '@krown/testkit'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { Database } from '../../../src/db/database.js'
import { openPostgres } from '../../../src/db/open-postgres.js'
import type { JsonObject } from '../../../src/journal/canonical-json.js'
import type { Journal } from '../../../src/journal/journal.js'
import type { NodeId, OrgId } from '../../../src/model/ids.js'
import { describeOnPostgres, type OpenTestDatabase } from '../../support/databases.js'
import { draft } from './drafts.js'
import { factsOf, journalOver, requireWhole } from './journal-fixture.js'

/** A database that is reached through a proxy with faults, and a way around it to see what is stored. */
async function openBehindProxy(openTestDatabase: OpenTestDatabase) {
  const opened = await openTestDatabase()
  onTestFinished(() => opened[Symbol.asyncDispose]())
  const { place, database: direct } = opened
  if (place.kind !== 'postgres') throw new Error('not PostgreSQL')
  const url = new URL(place.url)
  const proxy = await startFaultProxy({ host: url.hostname, port: Number(url.port) })
  onTestFinished(() => proxy.stop())
  url.port = String(proxy.port)
  const { schema } = place
  const database = await openPostgres({ url: url.href, schema, poolSize: 3, onIdleError: () => {} })
  onTestFinished(() => database[Symbol.asyncDispose]())
  return { direct, database, proxy, schema, orgId: newId<OrgId>(), journal: journalOver(database) }
}

const UNAVAILABLE = { name: 'KrownError', code: 'AUDIT_UNAVAILABLE', retryable: true }

// As it stands on the wire; `read committed` is not one.
const COMMIT = 'commit\0'

const nodes = async ({ db }: Database) => (await db.selectFrom('nodes').select('id').execute()).length

/** One entry with one change, so that either without the other would show. */
function writeOne(
  journal: Journal,
  { db }: Database,
  at: { orgId: OrgId; facts?: JsonObject },
): Promise<void> {
  const node = { id: newId<NodeId>(), started_at: 1, heartbeat_at: 1 }
  const query = db.insertInto('nodes').values(node).compile()
  return journal.write(at.orgId, [query], [draft({ facts: at.facts ?? {} })])
}

/** The same as a unit that works: step by step, where statements alone go out together. */
function workOne(journal: Journal, _database: Database, { orgId }: { orgId: OrgId }): Promise<unknown> {
  const node = { id: newId<NodeId>(), started_at: 1, heartbeat_at: 1 }
  return journal.transact(
    orgId,
    (trx) => trx.insertInto('nodes').values(node).execute(),
    () => [draft()],
  )
}

const CUTS: [string, typeof workOne][] = [
  ['begin isolation', writeOne],
  ['journal_heads" set', writeOne],
  ['journal_entries', writeOne],
  ['nodes', writeOne],
  ['start transaction', workOne],
  ['for update', workOne],
  ['nodes', workOne],
  ['journal_entries', workOne],
  ['journal_heads" set', workOne],
]

describeOnPostgres('the journal when the database fails', (openTestDatabase) => {
  const open = () => openBehindProxy(openTestDatabase)

  test('H02: a database that is down refuses at once, and works again without a restart', async () => {
    const { direct, database, proxy, orgId, journal } = await open()
    await writeOne(journal, database, { orgId })
    await proxy.down()
    for (let i = 0; i < 3; i += 1) {
      await expect(writeOne(journal, database, { orgId })).rejects.toMatchObject(UNAVAILABLE)
      await expect(database.ping()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    }
    await proxy.pass()
    await database.ping()
    await writeOne(journal, database, { orgId })
    await requireWhole(direct, orgId, 2)
    expect(await nodes(direct)).toBe(2)
  })

  test('H02: a database that swallows everything refuses in seconds, also who waits in line', async () => {
    const { direct, database, proxy, orgId, journal } = await open()
    await writeOne(journal, database, { orgId })
    proxy.blackhole()
    const started = performance.now()
    // More than one commit takes.
    const writes = Array.from({ length: 200 }, () => writeOne(journal, database, { orgId }))
    for (const write of await Promise.allSettled(writes)) expect(write).toMatchObject({ reason: UNAVAILABLE })
    expect(performance.now() - started).toBeLessThan(9_000)
    await proxy.pass()
    await writeOne(journal, database, { orgId })
    await requireWhole(direct, orgId, 2)
    expect(await nodes(direct)).toBe(2)
  })

  test('H02: connections reset under load: what was acknowledged is stored and nothing else is', async () => {
    const { direct, database, proxy, orgId, journal } = await open()
    const acknowledged: number[] = []
    let turn = 0
    const writeInTurn = async () => {
      while (turn < 400) {
        const own = turn++
        if (own % 100 === 99) proxy.reset()
        await writeOne(journal, database, { orgId, facts: { own } }).then(
          () => acknowledged.push(own),
          (error: unknown) => expect(error).toMatchObject(UNAVAILABLE),
        )
      }
    }
    await Promise.all(Array.from({ length: 16 }, writeInTurn))
    const stored = (await factsOf(direct, orgId)).map(({ own }) => own as number)
    expect(stored.sort((a, b) => a - b)).toEqual(acknowledged.sort((a, b) => a - b))
    expect(stored.length).toBeGreaterThan(100)
    expect(stored.length).toBeLessThan(400)
    expect(await nodes(direct)).toBe(stored.length)
    await requireWhole(direct, orgId, stored.length)
  })

  test.each(CUTS)(
    'H03: a connection cut at %j stores nothing, and the next write does not notice',
    async (pattern, change) => {
      const { direct, database, proxy, orgId, journal } = await open()
      await writeOne(journal, database, { orgId })
      for (const delivered of [false, true]) {
        const cut = proxy.cutWhenClientSends(pattern, { delivered })
        await expect(change(journal, database, { orgId })).rejects.toMatchObject(UNAVAILABLE)
        await cut
        // Puts the chain's head back into memory, without which nothing goes out together.
        await writeOne(journal, database, { orgId })
      }
      await requireWhole(direct, orgId, 3)
      expect(await nodes(direct)).toBe(3)
    },
  )

  test('H05: a commit whose answer was lost is reported as what it is: done, once', async () => {
    const { direct, database, proxy, orgId, journal } = await open()
    const cut = proxy.cutWhenClientSends(COMMIT, { delivered: true })
    const writes = Array.from({ length: 5 }, (_, turn) =>
      writeOne(journal, database, { orgId, facts: { turn } }),
    )
    await cut
    await Promise.all(writes)
    const result = journal.transact(
      orgId,
      async () => 'the result',
      () => [draft({ facts: { turn: 5 } })],
    )
    const again = proxy.cutWhenClientSends(COMMIT, { delivered: true })
    expect(await result).toBe('the result')
    await again
    expect(await factsOf(direct, orgId)).toEqual([0, 1, 2, 3, 4, 5].map((turn) => ({ turn })))
    expect(await nodes(direct)).toBe(5)
    await requireWhole(direct, orgId, 6)
  })

  test('H05: a commit that never arrived is refused, and nothing of it is stored', async () => {
    const { direct, database, proxy, orgId, journal } = await open()
    const cut = proxy.cutWhenClientSends(COMMIT)
    await expect(writeOne(journal, database, { orgId })).rejects.toMatchObject(UNAVAILABLE)
    await cut
    expect(await nodes(direct)).toBe(0)
    await writeOne(journal, database, { orgId })
    expect(await nodes(direct)).toBe(1)
    await requireWhole(direct, orgId, 1)
  })

  test('H05: a commit that is still under way when the connection breaks is waited for', async () => {
    const { direct, database, proxy, schema, orgId, journal } = await open()
    await writeOne(journal, database, { orgId })
    // Its commits wait for a lock that the test holds.
    await sql`
      create function ${sql.id(schema, 'wait_at_commit')}() returns trigger language plpgsql as
        $$ begin perform pg_advisory_xact_lock(77); return null; end $$`.execute(direct.db)
    await sql`
      create constraint trigger wait_at_commit after insert on ${sql.id(schema, 'journal_entries')}
        deferrable initially deferred for each row execute function ${sql.id(schema, 'wait_at_commit')}()`.execute(
      direct.db,
    )
    const holder = await direct.db.startTransaction().execute()
    await sql`select pg_advisory_xact_lock(77)`.execute(holder)
    const write = writeOne(journal, database, { orgId })
    const waiting = (query: string) => async () => {
      const { rows } = await sql`select 1 from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query ilike ${query}`.execute(
        direct.db,
      )
      return rows.length > 0
    }
    await waitFor(waiting('commit'), { what: 'the commit that waits' })
    proxy.reset()
    await waitFor(waiting('%for update%'), { what: 'the question whether it took place' })
    await holder.rollback().execute()
    await write
    await requireWhole(direct, orgId, 2)
    expect(await nodes(direct)).toBe(2)
  })

  test('H05: when the database does not come back to say, the answer does not claim that nothing was stored', async () => {
    const { direct, database, proxy, orgId } = await open()
    const clock = new FakeClock()
    const journal = journalOver(database, { clock })
    const cut = proxy.cutWhenClientSends(COMMIT, { delivered: true }).then(() => proxy.down())
    let outcome: unknown
    const write = writeOne(journal, database, { orgId }).catch((error: unknown) => {
      outcome = error
    })
    await cut
    while (outcome === undefined) {
      await waitFor(() => outcome !== undefined || clock.pendingTimers > 0, { what: 'the next question' })
      clock.advance(200)
    }
    await write
    expect(outcome).toMatchObject({
      ...UNAVAILABLE,
      message: 'the database went away while the change was committed: whether it was stored is not known',
    })
    await proxy.pass()
    await writeOne(journal, database, { orgId })
    await requireWhole(direct, orgId, 2)
  })

  test('a lock that others hold for too long refuses, and does not damage the pool', async () => {
    const { direct, database, orgId, journal } = await open()
    await writeOne(journal, database, { orgId })
    const holder = await direct.db.startTransaction().execute()
    await holder.updateTable('journal_heads').set({ seq: 1 }).where('org_id', '=', orgId).execute()
    await expect(writeOne(journal, database, { orgId })).rejects.toMatchObject(UNAVAILABLE)
    await writeOne(journal, database, { orgId: newId<OrgId>() })
    await holder.rollback().execute()
    await Promise.all(Array.from({ length: 20 }, () => writeOne(journal, database, { orgId })))
    await requireWhole(direct, orgId, 21)
  })

  test('works in a database whose transactions are serializable unless told otherwise', async () => {
    const opened = await openTestDatabase({ migrated: false })
    onTestFinished(() => opened[Symbol.asyncDispose]())
    if (opened.place.kind !== 'postgres') throw new Error('not PostgreSQL')
    const own = await createTestDatabase(opened.place.url)
    onTestFinished(() => own.stop())
    const openOwn = async () => {
      const database = await openPostgres({ url: own.url, schema: 'k', poolSize: 3, onIdleError: () => {} })
      onTestFinished(() => database[Symbol.asyncDispose]())
      return database
    }
    const first = await openOwn()
    await first.migrate('auto')
    await sql`alter database ${sql.id(own.name)} set default_transaction_isolation = 'serializable'`.execute(
      first.db,
    )
    const databases = [await openOwn(), await openOwn()]
    const orgId = newId<OrgId>()
    await Promise.all(
      databases.flatMap((database) => {
        const journal = journalOver(database)
        return Array.from({ length: 30 }, () => writeOne(journal, database, { orgId }))
      }),
    )
    await requireWhole(first, orgId, 60)
  })
})
