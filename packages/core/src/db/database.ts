import type { Kysely, Transaction } from 'kysely'
import type { Batch, BatchResult } from './batch.js'
import type { Tables } from './tables/tables.js'

/** For reading, and for writes that need no journal. */
export type Db = Kysely<Tables>

/** Inside a transaction: only database calls through this handle may be awaited. */
export type Trx = Transaction<Tables>

/** An open database of either kind. */
export interface Database extends AsyncDisposable {
  readonly kind: 'sqlite' | 'postgres'
  readonly db: Db
  /**
   * One whole transaction in one message to the thread of SQLite, or two round trips to PostgreSQL. Null for a pool
   * of the embedding program whose connections are not in pipeline mode.
   */
  readonly batch: ((batch: Batch) => Promise<BatchResult>) | null
  /** Brings the schema up to date, or with `check` only says whether it is. */
  migrate(mode: 'auto' | 'check'): Promise<void>
  /** One round trip. @throws KrownError UNAVAILABLE */
  ping(): Promise<void>
}
