import { Kysely, PostgresDialect, sql } from 'kysely'
import type { Pool } from 'pg'
import type { Database } from './database.js'
import { migrate } from './migrate.js'
import { adaptPool } from './postgres-pool.js'
import type { Tables } from './tables/tables.js'

export interface OpenPostgresOptions {
  readonly url: string
  readonly poolSize: number
  readonly schema: string
  /** An existing pool of the embedding program; it is used and never ended. */
  readonly pool?: Pool | undefined
  /** A pooled connection broke while idle; the pool replaces it by itself. */
  readonly onIdleError: (error: Error) => void
}

const CONNECT_TIMEOUT_MS = 5_000
const STATEMENT_TIMEOUT_MS = 5_000

/** Connects lazily; tables live in a schema of their own. */
export async function openPostgres(options: OpenPostgresOptions): Promise<Database> {
  const { default: pg } = await import('pg')
  const pool = options.pool ?? createPool(pg.Pool, options)
  const adapted = adaptPool(pool, {
    getTypeParser: pg.types.getTypeParser as never,
    endPool: !options.pool,
  })
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: adapted }) })
  const scoped = db.withSchema(options.schema)
  return {
    kind: 'postgres',
    db: scoped,
    batch: null,
    migrate: (mode) => migrate(scoped, mode, { schema: options.schema }),
    ping: async () => void (await sql`select 1`.execute(db)),
    [Symbol.asyncDispose]: () => db.destroy(),
  }
}

function createPool(PoolClass: typeof Pool, options: OpenPostgresOptions): Pool {
  const pool = new PoolClass({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    // Covers a server that stopped answering, which statement_timeout cannot.
    query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
    idle_in_transaction_session_timeout: 2 * STATEMENT_TIMEOUT_MS,
    application_name: 'krown',
  })
  // Without a listener the error of an idle connection ends the process.
  pool.on('error', options.onIdleError)
  return pool
}
