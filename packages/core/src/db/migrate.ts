import { type Kysely, type MigrationInfo, Migrator } from 'kysely'
import { isKrownError, KrownError } from '../errors/krown-error.js'
import { initial } from './migrations/0001_initial.js'
import { apiTokens } from './migrations/0002_api_tokens.js'
import { inventory } from './migrations/0003_inventory.js'
import { invites } from './migrations/0004_invites.js'
import { rateLimits } from './migrations/0005_rate_limits.js'
import { channels } from './migrations/0006_channels.js'
import type { Tables } from './tables/tables.js'

const migrations = {
  '0001_initial': initial,
  '0002_api_tokens': apiTokens,
  '0003_inventory': inventory,
  '0004_invites': invites,
  '0005_rate_limits': rateLimits,
  '0006_channels': channels,
}

const MIGRATIONS_TABLE = 'schema_migrations'

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
    migrationTableName: MIGRATIONS_TABLE,
    migrationLockTableName: `${MIGRATIONS_TABLE}_lock`,
  })
  const known = await migrator.getMigrations()
  if (known.some(({ executedAt }) => executedAt)) await requireNothingNewer(db)
  if (mode === 'check') return requireNothingPending(known)
  const { error } = await migrator.migrateToLatest()
  if (error) throw isKrownError(error) ? error : schemaError('the database schema cannot be migrated', error)
}

async function requireNothingNewer(db: Kysely<Tables>): Promise<void> {
  const applied = await db
    .withTables<{ [MIGRATIONS_TABLE]: { name: string } }>()
    .selectFrom(MIGRATIONS_TABLE)
    .select('name')
    .orderBy('name')
    .execute()
  const newer = applied.map(({ name }) => name).filter((name) => !Object.hasOwn(migrations, name))
  if (newer.length === 0) return
  throw schemaError(`the database was made by a newer version of Krown: it has ${newer.join(', ')}`)
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
