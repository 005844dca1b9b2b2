import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
  type TransactionSettings,
} from 'kysely'
import type { Semaphore } from '../base/semaphore.js'
import type { SqliteClient } from './sqlite-client.js'

/** Kysely over the SQLite thread: one connection, taken in turn. */
export class ThreadedSqliteDialect extends SqliteDialect {
  readonly #driver: Driver

  constructor(client: SqliteClient, turns: Semaphore) {
    super({ database: () => Promise.reject(new Error('the database lives in its own thread')) })
    this.#driver = new ThreadedSqliteDriver(client, turns)
  }

  override createDriver(): Driver {
    return this.#driver
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalDdlAdapter()
  }
}

// SQLite does roll schema changes back, and with BEGIN IMMEDIATE a second migrator waits for the first.
class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class ThreadedSqliteDriver implements Driver {
  readonly #client: SqliteClient
  readonly #turns: Semaphore
  readonly #releases = new WeakMap<DatabaseConnection, () => void>()

  constructor(client: SqliteClient, turns: Semaphore) {
    this.#client = client
    this.#turns = turns
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const release = await this.#turns.acquire()
    const connection = new ThreadedSqliteConnection(this.#client)
    this.#releases.set(connection, release)
    return connection
  }

  // Not the default deferred kind: upgrading from read to write fails at once when somebody wrote in between.
  async beginTransaction(connection: DatabaseConnection, _settings: TransactionSettings): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'))
  }

  async savepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`savepoint "${name}"`))
  }

  async rollbackToSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`rollback to "${name}"`))
  }

  async releaseSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`release "${name}"`))
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    this.#releases.get(connection)?.()
  }

  // Whoever opened the client closes it.
  async destroy(): Promise<void> {}
}

class ThreadedSqliteConnection implements DatabaseConnection {
  readonly #client: SqliteClient

  constructor(client: SqliteClient) {
    this.#client = client
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { rows, changes } = await this.#client.query(query.sql, query.parameters)
    return changes === undefined
      ? { rows: rows as Row[] }
      : { rows: rows as Row[], numAffectedRows: BigInt(changes) }
  }

  // biome-ignore lint/correctness/useYield: the interface asks for a generator, and pages are read by key instead
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('streaming is not supported: page by key')
  }
}
