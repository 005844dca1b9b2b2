import { join } from 'node:path'
import type { Pool } from 'pg'
import type { Logger } from './base/logger.js'
import type { KrownConfig } from './config/krown-config.js'
import type { Database } from './db/database.js'
import { openPostgres } from './db/open-postgres.js'
import { openSqlite } from './db/open-sqlite.js'

/** Name of the SQLite database in `data_dir`. */
const SQLITE_FILE = 'krown.db'

export interface OpenDatabaseOptions {
  readonly config: KrownConfig
  readonly logger: Logger
  /** Refuse a SQLite file that a server has open. */
  readonly exclusive: boolean
  readonly pool?: Pool | undefined
}

/** Opens the database that the configuration names: a pool given, a PostgreSQL address, else SQLite. */
export async function openDatabase({
  config,
  logger,
  exclusive,
  pool,
}: OpenDatabaseOptions): Promise<Database> {
  const { url, poolSize, schema } = config.database
  if (pool === undefined && url === '') return openSqlite({ file: sqliteFileOf(config), exclusive })
  const onIdleError = (err: Error) => logger.warn({ err }, 'an idle database connection was lost')
  return openPostgres({ url, poolSize, schema, pool, onIdleError })
}

export function sqliteFileOf({ dataDir }: KrownConfig): string {
  return join(dataDir, SQLITE_FILE)
}
