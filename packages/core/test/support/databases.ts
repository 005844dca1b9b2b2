import { join } from 'node:path'
import { createTempDir, createTestDatabase, findPostgres, startPostgres } from '@krown/testkit'
// Brings the type of what the global setup provides.
import type {} from '@krown/testkit/postgres-global-setup'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import type { Database } from '../../src/db/database.js'
import { openPostgres } from '../../src/db/open-postgres.js'
import { openSqlite } from '../../src/db/open-sqlite.js'

// Where there are no binaries the tests are skipped; in CI this throws instead.
const hasPostgres = (await findPostgres()) !== undefined

export type DatabaseKind = Database['kind']

/** Where a database is, for whoever opens it: as often as wanted, also from another process. */
export type DatabasePlace =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly schema: string }

export interface OpenedTestDatabase extends AsyncDisposable {
  readonly place: DatabasePlace
  readonly database: Database
  /** One more handle on the same data, as another process would have; closed with the first. */
  openAgain(): Promise<Database>
}

/** @param options.migrated False leaves the place empty. Default true. */
export type OpenTestDatabase = (options?: { migrated?: boolean }) => Promise<OpenedTestDatabase>

type DatabaseTests = (openTestDatabase: OpenTestDatabase, kind: DatabaseKind) => void

/** Runs the same tests on real SQLite and on real PostgreSQL; each call opens a database of its own. */
export function describeOnBothDatabases(name: string, tests: DatabaseTests): void {
  describe(`${name}, on SQLite`, () => tests(openOn(newSqliteFile), 'sqlite'))
  describeOnPostgres(name, tests)
}

export function describeOnPostgres(name: string, tests: DatabaseTests): void {
  describe.skipIf(!hasPostgres)(`${name}, on PostgreSQL`, () =>
    tests(openOn(newPostgresSchema()), 'postgres'),
  )
}

/** Opens what is at a place; the caller closes it. */
export function openPlace(place: DatabasePlace): Promise<Database> {
  if (place.kind === 'sqlite') return openSqlite({ file: place.file, exclusive: false })
  return openPostgres({ url: place.url, schema: place.schema, poolSize: 5, onIdleError: () => {} })
}

interface EmptyPlace {
  readonly place: DatabasePlace
  remove(): Promise<void>
}

function openOn(newPlace: () => Promise<EmptyPlace>): OpenTestDatabase {
  return async ({ migrated = true } = {}) => {
    const { place, remove } = await newPlace()
    const opened: Database[] = []
    const openAgain = async () => {
      const database = await openPlace(place)
      opened.push(database)
      return database
    }
    const database = await openAgain()
    if (migrated) await database.migrate('auto')
    const close = async () => {
      for (const each of opened.splice(0).reverse()) await each[Symbol.asyncDispose]()
      await remove()
    }
    return { place, database, openAgain, [Symbol.asyncDispose]: close }
  }
}

async function newSqliteFile(): Promise<EmptyPlace> {
  const dir = await createTempDir()
  return { place: { kind: 'sqlite', file: join(dir.path, 'krown.db') }, remove: () => dir.stop() }
}

/** One database for the block, dropped after it; a schema for each place. */
function newPostgresSchema(): () => Promise<EmptyPlace> {
  const closers: (() => Promise<void>)[] = []
  let url = ''
  let schemas = 0
  beforeAll(async () => {
    let serverUrl = inject('postgresUrl')
    if (serverUrl === undefined) {
      const server = await startPostgres()
      closers.push(() => server.stop())
      serverUrl = server.url()
    }
    const created = await createTestDatabase(serverUrl)
    closers.push(() => created.stop())
    url = created.url
  })
  afterAll(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
  return async () => {
    schemas += 1
    return { place: { kind: 'postgres', url, schema: `krown_${schemas}` }, remove: async () => {} }
  }
}
