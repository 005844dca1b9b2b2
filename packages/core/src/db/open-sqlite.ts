import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Kysely } from 'kysely'
import { Semaphore } from '../base/semaphore.js'
import type { Database } from './database.js'
import { databaseUnavailable } from './db-errors.js'
import { migrate } from './migrate.js'
import { SqliteClient } from './sqlite-client.js'
import { ThreadedSqliteDialect } from './sqlite-dialect.js'
import { holdSqliteLock, type SqliteLock } from './sqlite-lock.js'
import type { ThreadData } from './sqlite-protocol.js'
import type { Tables } from './tables/tables.js'

export interface OpenSqliteOptions {
  readonly file: string
  /** Refuse to open while another server has it; short admin commands leave it out. */
  readonly exclusive: boolean
  /** Another built thread file, for fault tests. */
  readonly threadFile?: string | undefined
}

/**
 * Opens (and creates) the database file, in threads of its own: one that writes, and one for whoever only reads. A
 * file that cannot be used shows at the first query.
 *
 * @throws KrownError CONFLICT when another server has it; UNAVAILABLE when it cannot be made.
 */
export async function openSqlite(options: OpenSqliteOptions): Promise<Database> {
  await makeFile(options.file)
  const lock = options.exclusive ? await holdSqliteLock(options.file) : undefined
  const [writer, reader] = [startThread(options, 'write'), startThread(options, 'read')]
  const turns = new Semaphore(1)
  const db = new Kysely<Tables>({ dialect: new ThreadedSqliteDialect({ writer, turns, reader }) })
  return {
    kind: 'sqlite',
    db,
    batch: async (batch) => {
      const release = await turns.acquire()
      try {
        return await writer.batch(batch)
      } finally {
        release()
      }
    },
    migrate: (mode) => migrate(db, mode),
    ping: async () =>
      void (await Promise.all([writer, reader].map((thread) => thread.query('select 1', [])))),
    [Symbol.asyncDispose]: () => closeAll([reader, writer], lock),
  }
}

function startThread({ file, threadFile }: OpenSqliteOptions, access: ThreadData['access']): SqliteClient {
  return new SqliteClient({ file, access }, threadFile)
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
async function closeAll(threads: readonly SqliteClient[], lock: SqliteLock | undefined): Promise<void> {
  try {
    for (const thread of threads) await thread.close()
  } finally {
    lock?.release()
  }
}
