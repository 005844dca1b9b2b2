import { type Kysely, type MigrationInfo, Migrator } from 'kysely'
import { isKrownError, KrownError } from '../errors/krown-error.js'
import { initial } from './migrations/0001_initial.js'
import type { Tables } from './tables/tables.js'

const migrations = { '0001_initial': initial }

/**
 * Applies what is pending; several processes may start at once.
 *
 * @param mode `check` changes nothing and throws when something is pending.
 * @throws KrownError UNAVAILABLE when the schema is newer than this version, or older with `check`.
 */
export async function migrate(
  db: Kysely<Tables>,
  mode: 'auto' | 'check',
  options: { schema?: string | undefined } = {},
): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    ...(options.schema && { migrationTableSchema: options.schema }),
    migrationTableName: 'schema_migrations',
    migrationLockTableName: 'schema_migrations_lock',
  })
  if (mode === 'check') return requireNothingPending(await migrator.getMigrations())
  const { error } = await migrator.migrateToLatest()
  if (error) throw isKrownError(error) ? error : schemaError('the database schema cannot be migrated', error)
}

function requireNothingPending(known: readonly MigrationInfo[]): void {
  const pending = known.filter(({ executedAt }) => !executedAt).map(({ name }) => name)
  if (pending.length === 0) return
  throw schemaError(
    `the database lacks ${pending.join(', ')}: run "krown-server migrate", or set database.migrate`,
  )
}

function schemaError(message: string, cause?: unknown): KrownError {
  return new KrownError('UNAVAILABLE', message, { cause })
}
