import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { databaseUnavailable, fromDriverError } from './db-errors.js'

const INT8_TYPE = 20

type GetTypeParser = (oid: number, format?: 'text' | 'binary') => (value: string) => unknown

/**
 * What kysely needs of a pool, with errors translated at the edge and int8 read as a number (counters and times
 * fit 53 bits). Both for each query, so that a pool of the embedding program is left as it is; whoever made the
 * pool ends it.
 */
export function adaptPool(pool: Pool, getTypeParser: GetTypeParser): PostgresPool {
  const types = {
    getTypeParser: (oid: number, format?: 'text' | 'binary') =>
      oid === INT8_TYPE && format !== 'binary' ? Number : getTypeParser(oid, format),
  }
  return {
    connect: async () => adaptClient(await connect(pool), types),
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

function adaptClient(client: PoolClient, types: { getTypeParser: GetTypeParser }): PostgresPoolClient {
  // A connection that breaks while it is lent out has no other listener, and an unheard error ends the process.
  const onError = () => {}
  client.on('error', onError)
  let doubt: unknown
  const query = async (text: string, values: readonly unknown[]) => {
    // It would only run into the same time limit.
    if (doubt) throw fromDriverError(doubt)
    try {
      return await client.query({ text, values: [...values], types } as never)
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
