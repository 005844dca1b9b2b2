import type BetterSqlite3 from 'better-sqlite3'
import { KrownError } from '../errors/krown-error.js'
import { databaseUnavailable } from './db-errors.js'

export interface SqliteLock {
  release(): void
}

/**
 * Holds the one-server-per-file lock: an exclusive transaction on a small database beside it. SQLite's locks are
 * the operating system's, so a killed process leaves none behind, as a pid file would.
 *
 * @throws KrownError CONFLICT when another process holds it; UNAVAILABLE when it cannot be made.
 */
export async function holdSqliteLock(file: string): Promise<SqliteLock> {
  const { default: Database } = await import('better-sqlite3')
  let lock: BetterSqlite3.Database | undefined
  try {
    lock = new Database(`${file}-lock`, { timeout: 0 })
    lock.pragma('journal_mode = DELETE')
    lock.exec('begin exclusive')
  } catch (error) {
    lock?.close()
    throw isTaken(error) ? takenByAnother(error) : databaseUnavailable(error)
  }
  // Closing ends the transaction.
  const held = lock
  return { release: () => held.close() }
}

function isTaken(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'SQLITE_BUSY'
}

function takenByAnother(cause: unknown): KrownError {
  return new KrownError(
    'CONFLICT',
    'another Krown has this SQLite database open: stop it first, or use PostgreSQL to run several',
    { cause },
  )
}
