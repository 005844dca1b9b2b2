import { existsSync, readFileSync } from 'node:fs'
import { rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createTempDir, waitFor } from '@krown/testkit'
import Sqlite from 'better-sqlite3'
import { CompiledQuery, sql } from 'kysely'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Database } from '../../../src/db/database.js'
import { openSqlite } from '../../../src/db/open-sqlite.js'
import { DatabaseProcess } from './database-process.js'
import { writeFaultyThread } from './faulty-thread.js'

interface OpenedFile {
  readonly database: Database
  readonly file: string
}

/** A database with the table `t (a)`, over a thread with that fault. */
async function open(patch?: string): Promise<OpenedFile> {
  const dir = await createTempDir()
  onTestFinished(() => dir.stop())
  const threadFile = patch === undefined ? undefined : await writeFaultyThread(dir.path, patch)
  const file = join(dir.path, 'krown.db')
  const database = await openSqlite({ file, exclusive: true, threadFile })
  onTestFinished(() => database[Symbol.asyncDispose]())
  await sql`create table t (a)`.execute(database.db)
  // Both threads have the files open now.
  await database.ping()
  return { database, file }
}

const insert = ({ db }: Database, value: number) => sql`insert into t values (${value})`.execute(db)

async function stored({ db }: Database): Promise<number[]> {
  const { rows } = await sql<{ a: number }>`select a from t order by a`.execute(db)
  return rows.map(({ a }) => a)
}

/** Lets go of the file when `release` is called, or on its own. */
function lockNewFile(file: string) {
  const other = new Sqlite(file)
  other.exec('create table t (a); begin immediate')
  const release = () => void (other.open && other.exec('commit').close())
  onTestFinished(release)
  return release
}

const OUTAGE = { name: 'KrownError', code: 'UNAVAILABLE', message: 'the database cannot be used right now' }

describe('a new file', () => {
  async function openLocked() {
    const dir = await createTempDir()
    onTestFinished(() => dir.stop())
    const file = join(dir.path, 'krown.db')
    const release = lockNewFile(file)
    const database = await openSqlite({ file, exclusive: true })
    onTestFinished(() => database[Symbol.asyncDispose]())
    return { database, release }
  }

  test('that another process is writing is opened once it is done', async () => {
    const { database, release } = await openLocked()
    const written = insert(database, 1)
    setTimeout(release, 500)
    await written
    expect(await stored(database)).toEqual([1])
  })

  test('that another process keeps to itself is given up, and the reason is in the log', async () => {
    const { database } = await openLocked()
    const cause = { code: 'SQLITE_BUSY', message: 'database is locked' }
    await expect(insert(database, 1)).rejects.toMatchObject({ ...OUTAGE, cause })
  })
})

describe('the SQLite threads', () => {
  test('writes through to the disk, checks foreign keys and shares the file while it is written', async () => {
    const { database } = await open()
    const pragma = async (name: string) =>
      Object.values(
        (await database.db.executeQuery<object>(CompiledQuery.raw(`pragma ${name}`))).rows[0] ?? {},
      )[0]
    expect(await pragma('journal_mode')).toBe('wal')
    expect(await pragma('synchronous')).toBe(2)
    expect(await pragma('foreign_keys')).toBe(1)
  })

  test('keeps its files from other users of the machine', async () => {
    const { database, file } = await open()
    await insert(database, 1)
    for (const suffix of ['', '-wal', '-shm']) {
      expect(((await stat(file + suffix)).mode & 0o777).toString(8)).toBe('600')
    }
  })

  test('prepares a statement once, and survives more statements than it keeps', async () => {
    const { database } = await open(`
      let prepared = 0
      const counting = Database.prototype.prepare
      Database.prototype.prepare = function (sql) {
        if (sql === 'select 7 as a') prepared += 1
        return counting.call(this, sql)
      }
      const pragma = Database.prototype.pragma
      Database.prototype.pragma = function (text) {
        if (text === 'busy_timeout = 20') this.function('prepared', () => prepared)
        return pragma.call(this, text)
      }`)
    const prepared = async () =>
      (await sql<{ n: number }>`select prepared() as n`.execute(database.db)).rows[0]?.n
    for (let i = 0; i < 20; i += 1) await sql`select 7 as a`.execute(database.db)
    expect(await prepared()).toBe(1)
    for (let i = 0; i < 600; i += 1) await database.db.executeQuery(CompiledQuery.raw(`select ${i} as b`))
    await sql`select 7 as a`.execute(database.db)
    expect(await prepared()).toBe(2)
  })

  test('rolls a failed transaction back and goes on', async () => {
    const { database } = await open()
    const failed = database.db.transaction().execute(async (trx) => {
      await sql`insert into t values (1)`.execute(trx)
      await sql`insert into nowhere values (1)`.execute(trx)
    })
    await expect(failed).rejects.toThrow(/no such table/)
    await insert(database, 2)
    expect(await stored(database)).toEqual([2])
  })

  test('write on while a search takes for ever', async () => {
    const { database, file } = await open(`
      onRun((sql) => sql.startsWith('select 7'), () => {
        while (existsSync(new URL('slow', import.meta.url))) sleep(1)
      })`)
    const mark = join(dirname(file), 'slow')
    await writeFile(mark, '')
    const search = sql<{ n: number }>`select 7 as n`.execute(database.db)
    await insert(database, 1)
    const read = database.db.transaction().execute((trx) => sql`select a from t`.execute(trx))
    expect((await read).rows).toEqual([{ a: 1 }])
    await rm(mark)
    expect((await search).rows).toEqual([{ n: 7 }])
  })

  test('show a reader what was written before it asked', async () => {
    const { database } = await open()
    for (let value = 1; value <= 50; value += 1) {
      await insert(database, value)
      expect(await stored(database)).toHaveLength(value)
    }
  })

  test('let nobody change anything by what looks like reading', async () => {
    const { database } = await open()
    const sneaky = sql`with one as (select 1 as a) insert into t select a from one`.execute(database.db)
    await expect(sneaky).rejects.toMatchObject({ ...OUTAGE, cause: { code: 'SQLITE_READONLY' } })
  })

  test('runs transactions one after the other, whoever waits within one', async () => {
    const { database } = await open()
    const order: string[] = []
    const both = ['one', 'two'].map((name) =>
      database.db.transaction().execute(async (trx) => {
        order.push(`${name} begins`)
        await sql`insert into t values (1)`.execute(trx)
        await new Promise((resolve) => setImmediate(resolve))
        order.push(`${name} ends`)
      }),
    )
    await Promise.all(both)
    expect(order).toEqual(['one begins', 'one ends', 'two begins', 'two ends'])
  })
})

// Tells how often SQLite said that another process has the lock.
const COUNT_BUSY = (log: string) => `
  const looking = Database.prototype.prepare
  Database.prototype.prepare = function (sql) {
    const statement = looking.call(this, sql)
    const run = statement.run
    statement.run = (...args) => {
      try {
        return run.apply(statement, args)
      } catch (error) {
        if (error.code === 'SQLITE_BUSY') appendFileSync(${JSON.stringify(log)}, '.')
        throw error
      }
    }
    return statement
  }`

describe('a write lock of another process', () => {
  test('makes writes wait, while the event loop goes on, until it is given back', async () => {
    const dir = await createTempDir()
    onTestFinished(() => dir.stop())
    const log = join(dir.path, 'busy')
    const { database, file } = await open(COUNT_BUSY(log))
    await using other = new DatabaseProcess({ act: 'hold-write-lock', place: { kind: 'sqlite', file } })
    expect(await other.ready()).toEqual({ kind: 'ready' })
    const writes = Promise.all([
      insert(database, 1),
      database.db.transaction().execute((trx) => sql`insert into t values (2)`.execute(trx)),
      database.batch?.({ units: [[{ sql: 'insert into t values (?)', parameters: [3] }]], tail: [] }),
    ])
    // Only the event loop can look at the file meanwhile.
    await waitFor(() => existsSync(log) && readFileSync(log, 'utf8').length >= 10, { what: 'ten tries' })
    other.go()
    expect(await other.outcome()).toEqual({ kind: 'done' })
    await writes
    expect(await stored(database)).toEqual([1, 2, 3])
  })

  test('that lasts too long makes all who wait give up together, and writing works again afterwards', async () => {
    const { database, file } = await open()
    await using other = new DatabaseProcess({ act: 'hold-write-lock', place: { kind: 'sqlite', file } })
    expect(await other.ready()).toEqual({ kind: 'ready' })
    const started = performance.now()
    const writes = [1, 2, 3, 4].map((value) => insert(database, value))
    for (const write of await Promise.allSettled(writes)) expect(write).toMatchObject({ reason: OUTAGE })
    // One after the other they would take four times as long as one.
    expect(performance.now() - started).toBeLessThan(15_000)
    other.go()
    expect(await other.outcome()).toEqual({ kind: 'done' })
    await insert(database, 5)
    expect(await stored(database)).toEqual([5])
  })
})

describe('H08: a SQLite database', () => {
  test('that is full refuses typed, keeps what it has, and writes again when there is room', async () => {
    const { database } = await open()
    await insert(database, 1)
    await sql`pragma max_page_count = 1`.execute(database.db)
    const big = () => sql`insert into t values (randomblob(100000))`.execute(database.db)
    await expect(big()).rejects.toMatchObject({ ...OUTAGE, cause: { code: 'SQLITE_FULL' } })
    expect(await stored(database)).toEqual([1])
    await sql`pragma max_page_count = 100000`.execute(database.db)
    await big()
  })

  test.each([
    ['SQLITE_IOERR_FSYNC', 'insert'],
    ['SQLITE_READONLY', 'insert'],
    ['SQLITE_IOERR_WRITE', 'commit'],
    ['SQLITE_CORRUPT', 'insert'],
  ])('whose disk answers %s to %s refuses typed, and nothing is half-written', async (code, at) => {
    const { database, file } = await open(`
      const { SqliteError } = Database
      onRun((sql) => sql.startsWith('${at}'), () => {
        if (existsSync(new URL('broken', import.meta.url))) throw new SqliteError('disk says no', '${code}')
      })`)
    const broken = join(dirname(file), 'broken')
    await writeFile(broken, '')
    const both = database.db.transaction().execute(async (trx) => {
      await sql`insert into t values (1)`.execute(trx)
      await sql`insert into t values (2)`.execute(trx)
    })
    await expect(both).rejects.toMatchObject({ ...OUTAGE, cause: { code } })
    const batch = { units: [[{ sql: 'insert into t values (3)', parameters: [] }]], tail: [] }
    expect(await database.batch?.(batch)).toMatchObject({ committed: false, error: { code } })
    expect(await stored(database)).toEqual([])
    await rm(broken)
    await insert(database, 4)
    expect(await stored(database)).toEqual([4])
  })

  test('that only reads refuses writes typed and goes on reading', async () => {
    const { database } = await open()
    await insert(database, 1)
    await sql`pragma query_only = on`.execute(database.db)
    await expect(insert(database, 2)).rejects.toMatchObject({ ...OUTAGE, cause: { code: 'SQLITE_READONLY' } })
    expect(await stored(database)).toEqual([1])
  })

  test('whose file is no database refuses every query typed, and can be closed', async () => {
    const dir = await createTempDir()
    onTestFinished(() => dir.stop())
    const file = join(dir.path, 'krown.db')
    await writeFile(file, 'x'.repeat(8192))
    const database = await openSqlite({ file, exclusive: true })
    await expect(database.ping()).rejects.toMatchObject(OUTAGE)
    await expect(database.migrate('auto')).rejects.toMatchObject(OUTAGE)
    await database[Symbol.asyncDispose]()
  })

  test.each(['', '-wal'])('whose file *%s is removed acknowledges nothing more', async (suffix) => {
    const { database, file } = await open()
    await insert(database, 1)
    await rename(file + suffix, `${file}-away`)
    const moved = { ...OUTAGE, cause: { code: 'SQLITE_READONLY_DBMOVED' } }
    await expect(insert(database, 2)).rejects.toMatchObject(moved)
    await expect(
      database.db.transaction().execute((trx) => sql`insert into t values (3)`.execute(trx)),
    ).rejects.toMatchObject(moved)
    const batch = { units: [[{ sql: 'insert into t values (4)', parameters: [] }]], tail: [] }
    expect(await database.batch?.(batch)).toMatchObject({ committed: false, unit: null, error: moved.cause })
    expect(await stored(database)).toEqual([1])
    await rename(`${file}-away`, file + suffix)
    await insert(database, 5)
    expect(await stored(database)).toEqual([1, 5])
  })

  test.each([
    ['ends', 'process.exit(7)'],
    ['crashes', 'queueMicrotask(() => { throw new Error("a bug") })'],
  ])('whose writing thread %s rejects what is pending and whatever comes later', async (_name, crash) => {
    const { database } = await open(`onRun((sql) => sql === 'values (13)', () => { ${crash} })`)
    const pending = [
      database.db.executeQuery(CompiledQuery.raw('values (13)')),
      insert(database, 1),
      database.db.transaction().execute((trx) => sql`insert into t values (2)`.execute(trx)),
    ]
    const outcomes = await Promise.allSettled(pending)
    expect(outcomes.slice(1).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(OUTAGE)
    await expect(database.ping()).rejects.toMatchObject(OUTAGE)
    await expect(database.batch?.({ units: [], tail: [] })).rejects.toMatchObject(OUTAGE)
    await database[Symbol.asyncDispose]()
  })
})
