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

export interface SqliteThreads {
  /** Changes, and reads within transactions: one after the other, in turn. */
  readonly writer: SqliteClient
  readonly turns: Semaphore
  /** Reads outside of transactions: a long search keeps nobody from writing. */
  readonly reader: SqliteClient
}

/** Kysely over the SQLite threads. */
export class ThreadedSqliteDialect extends SqliteDialect {
  readonly #driver: Driver

  constructor(threads: SqliteThreads) {
    super({ database: () => Promise.reject(new Error('the database lives in its own thread')) })
    this.#driver = new ThreadedSqliteDriver(threads)
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
  readonly #threads: SqliteThreads

  constructor(threads: SqliteThreads) {
    this.#threads = threads
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<ThreadedSqliteConnection> {
    return new ThreadedSqliteConnection(this.#threads)
  }

  // Not the default deferred kind: upgrading from read to write fails at once when somebody wrote in between.
  async beginTransaction(connection: DatabaseConnection, _settings: TransactionSettings): Promise<void> {
    await (connection as ThreadedSqliteConnection).takeTurn()
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
    ;(connection as ThreadedSqliteConnection).giveTurnBack()
  }

  // Whoever opened the threads closes them.
  async destroy(): Promise<void> {}
}

const READ = /^(select|with)\b/i

/** Has the writer's turn from the start of a transaction, or for one statement that is no plain read. */
class ThreadedSqliteConnection implements DatabaseConnection {
  readonly #threads: SqliteThreads
  #endTurn: (() => void) | undefined

  constructor(threads: SqliteThreads) {
    this.#threads = threads
  }

  async takeTurn(): Promise<void> {
    this.#endTurn ??= await this.#threads.turns.acquire()
  }

  giveTurnBack(): void {
    this.#endTurn?.()
    this.#endTurn = undefined
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { rows, changes } = await (await this.#threadFor(query)).query(query.sql, query.parameters)
    return changes === undefined
      ? { rows: rows as Row[] }
      : { rows: rows as Row[], numAffectedRows: BigInt(changes) }
  }

  // biome-ignore lint/correctness/useYield: the interface asks for a generator, and pages are read by key instead
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('streaming is not supported: page by key')
  }

  async #threadFor({ sql }: CompiledQuery): Promise<SqliteClient> {
    if (!this.#endTurn && READ.test(sql)) return this.#threads.reader
    await this.takeTurn()
    return this.#threads.writer
  }
}
