import { CompiledQuery, type Kysely, type QueryId } from 'kysely'
import type { Database, Db } from '../../../src/db/database.js'
import type { Tables } from '../../../src/db/tables/tables.js'

/** The statements that `run` sends through the handle it is given, as they reach the database, once answered. */
export async function recordStatements(
  { db }: Pick<Database, 'db'>,
  run: (db: Db) => Promise<unknown>,
): Promise<CompiledQuery[]> {
  const statements: CompiledQuery[] = []
  // The parts of a union are compiled like statements, and sent by none.
  const compiled = new WeakMap<QueryId, CompiledQuery>()
  const recording: Kysely<Tables> = db.withPlugin({
    transformQuery: ({ node, queryId }) => {
      compiled.set(queryId, db.getExecutor().compileQuery(node, queryId))
      return node
    },
    transformResult: async ({ result, queryId }) => {
      const statement = compiled.get(queryId)
      if (statement) statements.push(statement)
      return result
    },
  })
  await run(recording)
  return statements
}

/** One line for each step of the plan. */
export async function explain({ db, kind }: Database, statement: CompiledQuery): Promise<string[]> {
  const how = kind === 'sqlite' ? 'explain query plan' : 'explain (costs off)'
  const { rows } = await db.executeQuery<{ detail: string; 'QUERY PLAN': string }>(
    CompiledQuery.raw(`${how} ${statement.sql}`, [...statement.parameters]),
  )
  return rows.map((row) => row.detail ?? row['QUERY PLAN'])
}
