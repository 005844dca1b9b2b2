import { hash } from 'node:crypto'
import { CompiledQuery } from 'kysely'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import type { Clock } from '../../base/clock.js'
import type { Db } from '../../db/database.js'
import {
  addFailure,
  deleteExpiredPoints,
  deletePoints,
  listPoints,
  setPoint,
  takeBackFailure,
  takeBackPoint,
} from '../../db/repositories/rate-limit.repository.js'
import {
  type Count,
  type FailureCount,
  FIRST_LOCK_MS,
  type LimitKey,
  type LimitStore,
  type LimitWindow,
  lockedForMs,
  lockMs,
} from './limit-store.js'

const TABLE = 'rate_limits'
const SECOND_MS = 1_000

export interface PostgresLimitStoreDeps {
  readonly db: Db
  readonly schema: string
  /** Its wall clock, as every process has it: the library reads the same one. */
  readonly clock: Clock
}

/**
 * Counts of all processes that share a database. Windows are counted by `rate-limiter-flexible`. It has no lock that
 * grows with each failure, and can neither check and count one in one statement, nor read several keys in one round
 * trip, nor take back without going below zero: these few statements are Krown's own, on the same table.
 */
export class PostgresLimitStore implements LimitStore {
  readonly #deps: PostgresLimitStoreDeps

  constructor(deps: PostgresLimitStoreDeps) {
    this.#deps = deps
  }

  async read(keys: readonly LimitKey[]): Promise<(Count | undefined)[]> {
    const { db, clock } = this.#deps
    const now = clock.now()
    const stored = keys.map(storedKey)
    const rows = await listPoints(db, { keys: stored, now })
    const counts = new Map(rows.map(({ key, points, expire }) => [key, { points, leftMs: expire - now }]))
    return stored.map((key) => counts.get(key))
  }

  async count(key: LimitKey, window: LimitWindow): Promise<number> {
    try {
      await this.#limiter(window).consume(storedKey(key))
      return 0
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal
      // The library counts what it refuses as well.
      await this.takeBack(key)
      return Math.max(1, refusal.msBeforeNext)
    }
  }

  async countFailure(key: LimitKey, window: LimitWindow): Promise<FailureCount> {
    const { db, clock } = this.#deps
    const failure = { ...window, key: storedKey(key), now: clock.now(), firstLockMs: FIRST_LOCK_MS }
    const failures = await addFailure(db, failure)
    if (failures !== undefined) return { counted: true, locksForMs: lockMs(failures, window) }
    const [count] = await this.read([key])
    return { counted: false, waitMs: Math.max(1, lockedForMs(count, window)) }
  }

  async takeBack(key: LimitKey): Promise<void> {
    await takeBackPoint(this.#deps.db, storedKey(key))
  }

  async takeBackFailure(key: LimitKey, { windowMs }: LimitWindow): Promise<void> {
    const notAfter = this.#deps.clock.now() + windowMs
    await takeBackFailure(this.#deps.db, { key: storedKey(key), notAfter })
  }

  async remember(key: LimitKey, forMs: number): Promise<void> {
    const expire = this.#deps.clock.now() + forMs
    await setPoint(this.#deps.db, { key: storedKey(key), expire })
  }

  async forget(key: LimitKey): Promise<void> {
    await deletePoints(this.#deps.db, storedKey(key))
  }

  async purge(): Promise<void> {
    await deleteExpiredPoints(this.#deps.db, this.#deps.clock.now())
  }

  // Holds only its settings; the table is a migration's, and cleaning it up a job's.
  #limiter({ limit, windowMs }: LimitWindow): RateLimiterPostgres {
    return new RateLimiterPostgres({
      storeClient: { query: (query: Query) => this.#query(query) },
      storeType: 'pool',
      schemaName: this.#deps.schema,
      tableName: TABLE,
      tableCreated: true,
      clearExpiredByTimeout: false,
      keyPrefix: '',
      points: limit,
      // Its seconds are multiplied again: of a fraction that makes no whole milliseconds.
      duration: Math.ceil(windowMs / SECOND_MS),
    })
  }

  /** By way of Krown's own connections: with their time limit, and errors that say UNAVAILABLE. */
  async #query({ text, values = [] }: Query) {
    const { rows } = await this.#deps.db.executeQuery(CompiledQuery.raw(text, values))
    return { rows, rowCount: rows.length }
  }
}

interface Query {
  readonly text: string
  readonly values?: unknown[]
}

/** Names are what somebody typed, now and then a password by mistake: they are not kept. */
function storedKey({ kind, name }: LimitKey): string {
  return `${kind}:${hash('sha256', name, 'base64url')}`
}
