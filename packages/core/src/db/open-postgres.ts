import { Kysely, PostgresDialect, type PostgresPool, sql } from 'kysely'
import type { Pool, PoolConfig } from 'pg'
import type { Batch, BatchResult } from './batch.js'
import type { Database, Db } from './database.js'
import { migrate } from './migrate.js'
import { hasPipeline, runPostgresBatch } from './postgres-batch.js'
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
const STATEMENT_TIMEOUT_MS = 4_500

// Covers a server that stopped answering, and the pool of an embedding program, which statement_timeout cannot.
const QUERY_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 500

const STATEMENT_LIMITS: PoolConfig = {
  statement_timeout: STATEMENT_TIMEOUT_MS,
  idle_in_transaction_session_timeout: 2 * STATEMENT_TIMEOUT_MS,
}

/** Connects lazily; tables live in a schema of their own. */
export async function openPostgres(options: OpenPostgresOptions): Promise<Database> {
  const { default: pg } = await import('pg')
  const newPool = (config: PoolConfig) => createPool(pg.Pool, options, config)
  // A pool that was given goes on when Krown is closed; nothing of Krown may use it then.
  let closed = false
  const adapt = (pool: Pool, queryTimeoutMs?: number) =>
    adaptPool(pool, {
      getTypeParser: pg.types.getTypeParser as never,
      queryTimeoutMs,
      isClosed: () => closed,
    })
  const connect = (pool: PostgresPool): Db =>
    new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }).withSchema(options.schema)
  const pool = options.pool ?? newPool({ max: options.poolSize, pipeline: true, ...STATEMENT_LIMITS })
  // Without a listener the error of an idle connection ends the process.
  pool.on('error', options.onIdleError)
  const adapted = adapt(pool, QUERY_TIMEOUT_MS)
  const db = connect(adapted)
  return {
    kind: 'postgres',
    db,
    batch: hasPipeline(pool) ? (batch) => sendBatch(adapted, batch) : null,
    migrate: async (mode) => {
      if (pool === options.pool) return migrate(connect(adapt(pool)), mode, options)
      // An index on a large table takes longer than any statement may, and other processes wait for it.
      const patient = newPool({ max: 1 }).on('error', options.onIdleError)
      await migrate(connect(adapt(patient)), mode, options).finally(() => patient.end())
    },
    ping: async () => void (await sql`select 1`.execute(db)),
    [Symbol.asyncDispose]: async () => {
      closed = true
      if (pool === options.pool) pool.off('error', options.onIdleError)
      else if (!pool.ending) await pool.end()
    },
  }
}

async function sendBatch(pool: PostgresPool, batch: Batch): Promise<BatchResult> {
  const client = await pool.connect()
  try {
    return await runPostgresBatch(client, batch)
  } finally {
    client.release()
  }
}

function createPool(PoolClass: typeof Pool, options: OpenPostgresOptions, config: PoolConfig): Pool {
  return new PoolClass({
    connectionString: options.url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'krown',
    ...config,
  })
}
