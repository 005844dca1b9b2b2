import type { Clock } from '../../base/clock.js'
import type { Database } from '../../db/database.js'
import type { LimitStore } from './limit-store.js'
import { MemoryLimitStore } from './memory-limit-store.js'

/**
 * Where this process counts: SQLite has one process, which counts for itself; all that use one PostgreSQL count
 * together.
 */
export async function openLimitStore(
  { kind, db }: Database,
  { schema, clock }: { schema: string; clock: Clock },
): Promise<LimitStore> {
  if (kind === 'sqlite') return new MemoryLimitStore({ clock })
  const { PostgresLimitStore } = await import('./postgres-limit-store.js')
  return new PostgresLimitStore({ db, schema, clock })
}
