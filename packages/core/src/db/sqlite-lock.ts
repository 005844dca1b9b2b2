import { KrownError } from '../errors/krown-error.js'

export interface SqliteLock {
  release(): void
}

/**
 * Holds the one-server-per-file lock: an exclusive transaction on a small database beside it. SQLite's locks are
 * the operating system's, so a killed process leaves none behind, as a pid file would.
 *
 * @throws KrownError CONFLICT when another process holds it.
 */
export async function holdSqliteLock(file: string): Promise<SqliteLock> {
  const { default: Database } = await import('better-sqlite3')
  const lock = new Database(`${file}-lock`, { timeout: 0 })
  try {
    lock.pragma('journal_mode = DELETE')
    lock.exec('begin exclusive')
  } catch (cause) {
    lock.close()
    throw new KrownError(
      'CONFLICT',
      'another Krown has this SQLite database open: stop it first, or use PostgreSQL to run several',
      { cause },
    )
  }
  return {
    release() {
      lock.exec('rollback')
      lock.close()
    },
  }
}
