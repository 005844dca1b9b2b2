import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { expect, test } from 'vitest'
import type { OrgId } from '../model/ids.js'
import type { Db } from './database.js'
import { prepareStatement } from './prepare-statement.js'
import { advanceHeadQuery } from './repositories/journal.repository.js'
import type { Tables } from './tables/tables.js'

const sqlite: Db = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})
const postgres: Db = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
}).withSchema('krown')

interface Move {
  orgId: OrgId
  seq: number
  hash: string
}

const NAMES = { hash: true, orgId: true, seq: true } as const

/** Moves a head back to where it was. */
function moveQuery(db: Db, { orgId, seq, hash }: Move) {
  const here = { seq, hash }
  return advanceHeadQuery(db, orgId, { from: here, to: here })
}

test.each([
  ['SQLite', sqlite],
  ['PostgreSQL', postgres],
])('a prepared statement for %s is the one that would have been built with these values', (_name, db) => {
  const prepared = prepareStatement<Move>(NAMES, (values) => moveQuery(db, values))
  for (const seq of [7, 8]) {
    const values = { orgId: 'org' as OrgId, seq, hash: 'abc' }
    const { sql, parameters } = moveQuery(db, values).compile()
    expect(prepared(values)).toMatchObject({ sql, parameters })
  }
})

test('a value may be null, and what was no value stays as it is', () => {
  const query = ({ error }: { error: string | null }) =>
    sqlite.updateTable('command_logs').set({ error_code: error, status: 'failed' })
  const prepared = prepareStatement<{ error: string | null }>({ error: true }, query)
  expect(prepared({ error: null }).parameters).toEqual([null, 'failed'])
})

test('a value that the statement would not carry is found out when it is prepared', () => {
  const forgetful = ({ orgId }: Move) => sqlite.deleteFrom('journal_heads').where('org_id', '=', orgId)
  expect(() => prepareStatement<Move>(NAMES, forgetful)).toThrow(TypeError)
})
