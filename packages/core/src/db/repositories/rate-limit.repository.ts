import { sql } from 'kysely'
import type { Db } from '../database.js'

export interface CountedPoints {
  readonly key: string
  readonly points: number
  /** Epoch milliseconds. */
  readonly expire: number
}

export interface CountedFailure {
  readonly key: string
  /** Epoch milliseconds. */
  readonly now: number
  readonly limit: number
  readonly windowMs: number
  readonly firstLockMs: number
}

/** What has not expired of these. */
export async function listPoints(
  db: Db,
  { keys, now }: { keys: readonly string[]; now: number },
): Promise<CountedPoints[]> {
  return db
    .selectFrom('rate_limits')
    .select(['key', 'points', 'expire'])
    .where('key', 'in', keys)
    .where('expire', '>', now)
    .execute()
}

/**
 * Adds a failure unless the key is locked, in one statement, so that attempts made at once cannot slip through. Failures
 * from the limit on lock it, and are forgotten a window after the lock; so it is locked until `expire` less a window.
 *
 * @returns Its failures; undefined when it is locked, and nothing was added.
 */
export async function addFailure(db: Db, failure: CountedFailure): Promise<number | undefined> {
  const { key, now, limit, windowMs } = failure
  const row = await db
    .insertInto('rate_limits')
    .values({ key, points: 1, expire: now + windowMs + (limit <= 1 ? failure.firstLockMs : 0) })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet((eb) => {
          const expired = eb('rate_limits.expire', '<=', now)
          return {
            points: eb
              .case()
              .when(expired)
              .then(1)
              .else(eb('rate_limits.points', '+', 1))
              .end(),
            expire: eb
              .case()
              .when(expired)
              .then(eb.ref('excluded.expire'))
              .when('rate_limits.points', '>=', limit - 1)
              .then(expiryOfLock(failure))
              .else(eb.ref('rate_limits.expire'))
              .end(),
          }
        })
        .where((eb) =>
          eb.or([eb('rate_limits.points', '<', limit), eb('rate_limits.expire', '<=', now + windowMs)]),
        ),
    )
    .returning('points')
    .executeTakeFirst()
  return row?.points
}

// No power is larger than a number of that type holds.
function expiryOfLock({ now, limit, windowMs, firstLockMs }: CountedFailure) {
  const doublings = sql`least(rate_limits.points + 1 - ${limit}::int, 40)`
  return sql<number>`${now}::bigint + ${windowMs}::bigint
    + least(${firstLockMs}::bigint * (1::bigint << ${doublings}), ${windowMs}::bigint)`
}

export async function takeBackPoint(db: Db, key: string): Promise<void> {
  await takeBack(db, key).execute()
}

/** Ends the lock as well, if there is one. */
export async function takeBackFailure(
  db: Db,
  { key, notAfter }: { key: string; notAfter: number },
): Promise<void> {
  await takeBack(db, key)
    .set((eb) => ({ expire: eb.fn<number>('least', ['expire', eb.val(notAfter)]) }))
    .execute()
}

function takeBack(db: Db, key: string) {
  return db
    .updateTable('rate_limits')
    .set((eb) => ({ points: eb('points', '-', 1) }))
    .where('key', '=', key)
    .where('points', '>', 0)
}

export async function setPoint(db: Db, { key, expire }: { key: string; expire: number }): Promise<void> {
  await db
    .insertInto('rate_limits')
    .values({ key, points: 1, expire })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ points: 1, expire }))
    .execute()
}

export async function deletePoints(db: Db, key: string): Promise<void> {
  await db.deleteFrom('rate_limits').where('key', '=', key).execute()
}

export async function deleteExpiredPoints(db: Db, now: number): Promise<void> {
  await db.deleteFrom('rate_limits').where('expire', '<=', now).execute()
}
