import { createTestDatabase, startFaultProxy, waitFor } from '@krown/testkit'
import { sql } from 'kysely'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import type { Database } from '../../../src/db/database.js'
import { openPostgres } from '../../../src/db/open-postgres.js'
import { countLiveSessions, findSession } from '../../../src/db/repositories/session.repository.js'
import type { SessionId } from '../../../src/model/ids.js'
import { describeOnPostgres } from '../../support/databases.js'
import { addSessions, seedOrg } from './seed.js'

/** A pool as an embedding program has it: settings of its own, and a listener of its own. */
function embedderPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 3 })
  pool.on('error', () => {})
  return pool
}

const openWith = (url: string, schema: string, pool?: pg.Pool): Promise<Database> =>
  openPostgres({ url, schema, pool, poolSize: 3, onIdleError: () => {} })

describeOnPostgres('a pool', (openTestDatabase) => {
  async function urlOf(): Promise<string> {
    const opened = await openTestDatabase({ migrated: false })
    onTestFinished(() => opened[Symbol.asyncDispose]())
    const { place } = opened
    if (place.kind !== 'postgres') throw new Error('not PostgreSQL')
    // A database of its own: these tests look at what is in it.
    const database = await createTestDatabase(place.url)
    onTestFinished(() => database.stop())
    return database.url
  }

  test("of an embedder reads int8 as a number here and as the embedder's setting elsewhere", async () => {
    const pool = embedderPool(await urlOf())
    onTestFinished(() => pool.end())
    const database = await openWith('', 'krown', pool)
    await database.migrate('auto')
    const org = await seedOrg(database)
    const [id] = (await addSessions(database.db, org, [{ bytes_in: 2 ** 52 + 1 }])) as [SessionId]
    expect((await findSession(database.db, org.orgId, id))?.bytesIn).toBe(2 ** 52 + 1)
    const { rows } = await sql<{
      n: unknown
      none: unknown
    }>`select count(*) as n, null::int8 as none`.execute(database.db)
    expect(rows).toEqual([{ n: 1, none: null }])
    expect((await pool.query('select 1::int8 as n')).rows).toEqual([{ n: '1' }])
    await database[Symbol.asyncDispose]()
    expect(pool.ended).toBe(false)
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  test('H02: of an embedder, without any time limit of its own, does not wait for a dead server', async () => {
    const url = new URL(await urlOf())
    const proxy = await startFaultProxy({ host: url.hostname, port: Number(url.port) })
    onTestFinished(() => proxy.stop())
    url.port = String(proxy.port)
    const pool = embedderPool(url.href)
    onTestFinished(() => pool.end())
    await using database = await openWith('', 'krown', pool)
    await database.ping()
    proxy.blackhole()
    await expect(database.ping()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await proxy.pass()
    await database.ping()
    // The connection in doubt is not among them.
    expect(pool.totalCount).toBe(1)
    expect(pool.listenerCount('error')).toBe(2)
    await database[Symbol.asyncDispose]()
    expect(pool.listenerCount('error')).toBe(1)
  })

  test('of Krown itself is ended with it', async () => {
    const url = await urlOf()
    const database = await openWith(url, 'krown')
    await database.migrate('auto')
    await database.ping()
    await database[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
    await expect(database.ping()).rejects.toThrow()
    const observer = embedderPool(url)
    onTestFinished(() => observer.end())
    const left = "select 1 from pg_stat_activity where application_name = 'krown'"
    await waitFor(async () => (await observer.query(left)).rowCount === 0, { what: 'the connections to end' })
  })

  test.each([
    ['a database that does not exist', (url: URL) => (url.pathname = 'absent')],
    ['a port where nothing listens', (url: URL) => (url.port = '1')],
    ['a user without the right', (url: URL) => (url.username = 'nobody')],
  ])('to %s is UNAVAILABLE, and the answer does not say why', async (_name, change) => {
    const url = new URL(await urlOf())
    change(url)
    await using database = await openWith(url.href, 'krown')
    for (const act of [() => database.ping(), () => database.migrate('auto')]) {
      await expect(act()).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message: 'the database cannot be used right now',
      })
    }
  })

  test('serves two Krowns in two schemas of one database, and touches no other schema', async () => {
    const url = await urlOf()
    await using one = await openWith(url, 'first')
    await using two = await openWith(url, 'Second "schema"')
    await Promise.all([one.migrate('auto'), two.migrate('auto')])
    const [orgOfOne, orgOfTwo] = [await seedOrg(one), await seedOrg(two)]
    await addSessions(one.db, orgOfOne, [{}, {}])
    await addSessions(two.db, orgOfTwo, [{}])
    expect((await countLiveSessions(one.db, orgOfOne.orgId, orgOfOne.alice)).ofOrg).toBe(2)
    expect((await countLiveSessions(two.db, orgOfTwo.orgId, orgOfTwo.alice)).ofOrg).toBe(1)
    expect((await countLiveSessions(two.db, orgOfOne.orgId, orgOfOne.alice)).ofOrg).toBe(0)
    const { rows } = await sql<{ schema: string }>`
      select distinct table_schema as schema from information_schema.tables
      where table_schema not in ('pg_catalog', 'information_schema') order by 1`.execute(one.db)
    expect(rows.map(({ schema }) => schema)).toEqual(['Second "schema"', 'first'])
  })

  test('migrates without the time limits of ordinary statements', async () => {
    const url = await urlOf()
    const observer = embedderPool(url)
    onTestFinished(() => observer.end())
    await observer.query(`
      create table public.seen (timeout text);
      create function public.note() returns event_trigger language plpgsql as
        $$ begin insert into public.seen values (current_setting('statement_timeout')); end $$;
      create event trigger note on ddl_command_start execute function public.note()`)
    await using database = await openWith(url, 'krown')
    await database.migrate('auto')
    const { rows } = await observer.query('select distinct timeout from public.seen')
    expect(rows).toEqual([{ timeout: '0' }])
    const ordinary = await sql<{ statement_timeout: string }>`show statement_timeout`.execute(database.db)
    expect(ordinary.rows).toEqual([{ statement_timeout: '4500ms' }])
  })
})
