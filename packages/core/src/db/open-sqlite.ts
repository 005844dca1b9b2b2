import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Kysely, sql } from 'kysely'
import { Semaphore } from '../base/semaphore.js'
import type { Database } from './database.js'
import { databaseUnavailable } from './db-errors.js'
import { migrate } from './migrate.js'
import { SqliteClient } from './sqlite-client.js'
import { ThreadedSqliteDialect } from './sqlite-dialect.js'
import { holdSqliteLock, type SqliteLock } from './sqlite-lock.js'
import type { Tables } from './tables/tables.js'

export interface OpenSqliteOptions {
  readonly file: string
  /** Refuse to open while another server has it; short admin commands leave it out. */
  readonly exclusive: boolean
  /** Another built thread file, for fault tests. */
  readonly threadFile?: string | undefined
}

/**
 * Opens (and creates) the database file, in a thread of its own. A file that cannot be used shows at the first query.
 *
 * @throws KrownError CONFLICT when another server has it; UNAVAILABLE when it cannot be made.
 */
export async function openSqlite(options: OpenSqliteOptions): Promise<Database> {
  await makeFile(options.file)
  const lock = options.exclusive ? await holdSqliteLock(options.file) : undefined
  const client = new SqliteClient(options.file, options.threadFile)
  const turns = new Semaphore(1)
  const db = new Kysely<Tables>({ dialect: new ThreadedSqliteDialect(client, turns) })
  return {
    kind: 'sqlite',
    db,
    batch: async (batch) => {
      const release = await turns.acquire()
      try {
        return await client.batch(batch)
      } finally {
        release()
      }
    },
    migrate: (mode) => migrate(db, mode),
    ping: async () => void (await sql`select 1`.execute(db)),
    [Symbol.asyncDispose]: () => closeAll(client, lock),
  }
}

/** For its owner alone; SQLite gives the files beside it the same rights. */
async function makeFile(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await (await open(path, 'a', 0o600)).close()
  } catch (error) {
    throw databaseUnavailable(error)
  }
}

// Not by kysely: it answers what comes later with an error of its own.
async function closeAll(client: SqliteClient, lock: SqliteLock | undefined): Promise<void> {
  try {
    await client.close()
  } finally {
    lock?.release()
  }
}
