import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { fromDriverError } from './db-errors.js'

const INT8_TYPE = 20

type GetTypeParser = (oid: number, format?: 'text' | 'binary') => (value: string) => unknown

/**
 * What kysely needs of a pool, with errors translated at the edge and int8 read as a number (counters and times
 * fit 53 bits). Both for each query, so that a pool of the embedding program is left as it is.
 */
export function adaptPool(
  pool: Pool,
  options: { getTypeParser: GetTypeParser; endPool: boolean },
): PostgresPool {
  const types = {
    getTypeParser: (oid: number, format?: 'text' | 'binary') =>
      oid === INT8_TYPE && format !== 'binary' ? Number : options.getTypeParser(oid, format),
  }
  return {
    connect: async () => adaptClient(await translating(pool.connect()), types),
    end: async () => {
      if (options.endPool) await pool.end()
    },
  }
}

function adaptClient(client: PoolClient, types: { getTypeParser: GetTypeParser }): PostgresPoolClient {
  // A connection that breaks while it is lent out has no other listener, and an unheard error ends the process.
  const onError = () => {}
  client.on('error', onError)
  let broken = false
  const query = async (text: string, values: readonly unknown[]) => {
    try {
      return await client.query({ text, values: [...values], types } as never)
    } catch (error) {
      const translated = fromDriverError(error)
      broken ||= translated !== error && !(error as { code?: string }).code?.match(/^\d/)
      throw translated
    }
  }
  return {
    query: query as unknown as PostgresPoolClient['query'] & (() => Promise<PostgresQueryResult<never>>),
    release: () => {
      client.off('error', onError)
      // A connection in doubt (lost, or its query timed out) must not serve anybody else.
      client.release(broken)
    },
  }
}

async function translating<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    throw fromDriverError(error)
  }
}
