import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { databaseUnavailable, fromDriverError } from './db-errors.js'

const INT8_TYPE = 20

export interface AdaptPoolOptions {
  readonly getTypeParser: GetTypeParser
  /** For the answer to one statement; what is slower leaves its connection in doubt. Undefined: no limit. */
  readonly queryTimeoutMs: number | undefined
  isClosed(): boolean
}

/** Goes with each query. */
interface QuerySettings {
  readonly types: { getTypeParser: GetTypeParser }
  readonly query_timeout: number | undefined
}

type GetTypeParser = (oid: number, format?: 'text' | 'binary') => (value: string) => unknown

/**
 * What kysely needs of a pool, with errors translated at the edge, int8 read as a number (counters and times fit
 * 53 bits) and a time limit. All for each query, so that a pool of the embedding program is left as it is; whoever
 * made the pool ends it.
 */
export function adaptPool(pool: Pool, options: AdaptPoolOptions): PostgresPool {
  const getTypeParser: GetTypeParser = (oid, format) =>
    oid === INT8_TYPE && format !== 'binary' ? Number : options.getTypeParser(oid, format)
  const settings = { types: { getTypeParser }, query_timeout: options.queryTimeoutMs }
  return {
    connect: async () => {
      if (options.isClosed()) throw databaseUnavailable(new Error('the database is closed'))
      return adaptClient(await connect(pool), settings)
    },
    end: async () => {},
  }
}

/** Whatever stands in the way of a connection (address, password, certificate, limit), the database is not there. */
async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    throw databaseUnavailable(error)
  }
}

function adaptClient(client: PoolClient, settings: QuerySettings): PostgresPoolClient {
  // A connection that breaks while it is lent out has no other listener, and an unheard error ends the process.
  const onError = () => {}
  client.on('error', onError)
  let doubt: unknown
  const query = async (text: string, values: readonly unknown[]) => {
    // It would only run into the same time limit.
    if (doubt) throw fromDriverError(doubt)
    try {
      return await client.query({ text, values: [...values], ...settings } as never)
    } catch (error) {
      if (!survives(error)) doubt = error
      throw fromDriverError(error)
    }
  }
  return {
    query: query as unknown as PostgresPoolClient['query'] & (() => Promise<PostgresQueryResult<never>>),
    release: () => {
      client.off('error', onError)
      // A connection in doubt (lost, or its query timed out) must not serve anybody else.
      client.release(doubt !== undefined)
    },
  }
}

/** Only what the server itself said leaves the connection usable, unless it said that it hangs up. */
function survives(error: unknown): boolean {
  const { code, severity } = error as { code?: string; severity?: string }
  return severity !== undefined && !/^(08|57P|25P0[34]|XX)/.test(code ?? '')
}
