import type { Kysely } from 'kysely'
import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { Database } from '../../../src/db/database.js'
import { initial } from '../../../src/db/migrations/0001_initial.js'
import { apiTokens } from '../../../src/db/migrations/0002_api_tokens.js'
import { inventory } from '../../../src/db/migrations/0003_inventory.js'
import type { HostKeyId } from '../../../src/model/ids.js'
import { type DatabasePlace, describeOnBothDatabases } from '../../support/databases.js'
import { DatabaseProcess } from './database-process.js'
import { seedOrg } from './seed.js'

interface MigrationTable {
  schema_migrations: { name: string; timestamp: string }
}

const ALL = [
  '0001_initial',
  '0002_api_tokens',
  '0003_inventory',
  '0004_invites',
  '0005_rate_limits',
  '0006_channels',
]

const migrations = ({ db }: Database) => db as unknown as Kysely<MigrationTable>

async function applied(database: Database): Promise<string[]> {
  const rows = await migrations(database)
    .selectFrom('schema_migrations')
    .select('name')
    .orderBy('name')
    .execute()
  return rows.map(({ name }) => name)
}

async function migrateFromFourProcesses(place: DatabasePlace): Promise<void> {
  const processes = Array.from({ length: 4 }, () => new DatabaseProcess({ act: 'migrate', place }))
  try {
    for (const each of processes) expect(await each.ready()).toEqual({ kind: 'ready' })
    for (const each of processes) each.go()
    for (const each of processes) expect(await each.outcome()).toEqual({ kind: 'done' })
  } finally {
    for (const each of processes) await each.kill()
  }
}

describeOnBothDatabases('migrations', (openTestDatabase) => {
  test('bring up an empty database, and a second time change nothing', async () => {
    await using opened = await openTestDatabase({ migrated: false })
    const { database } = opened
    await database.migrate('auto')
    const { orgId } = await seedOrg(database)
    const before = await migrations(database).selectFrom('schema_migrations').selectAll().execute()
    await database.migrate('auto')
    await database.migrate('check')
    expect(await migrations(database).selectFrom('schema_migrations').selectAll().execute()).toEqual(before)
    expect(await database.db.selectFrom('organizations').select('id').execute()).toEqual([{ id: orgId }])
  })

  test('are applied once when four processes start at once', async () => {
    await using opened = await openTestDatabase({ migrated: false })
    await migrateFromFourProcesses(opened.place)
    expect(await applied(opened.database)).toEqual(ALL)
    await opened.database.migrate('check')
  })

  test('are applied once when two Krowns of one process start at once', async () => {
    await using opened = await openTestDatabase({ migrated: false })
    const others = [await opened.openAgain(), await opened.openAgain()]
    await Promise.all([opened.database, ...others].map((database) => database.migrate('auto')))
    expect(await applied(opened.database)).toEqual(ALL)
  })

  test('to an inventory keep the host keys, and let operators go on reaching what they reached', async () => {
    await using opened = await openTestDatabase({ migrated: false })
    const { db } = opened.database
    const old = db as unknown as Kysely<unknown>
    if (opened.place.kind === 'postgres') await db.schema.createSchema(opened.place.schema).execute()
    await initial.up(old)
    await apiTokens.up(old)
    const { orgId, alice } = await seedOrg(opened.database)
    const pin = {
      id: newId<HostKeyId>(),
      org_id: orgId,
      user_scope: alice,
      host: 'db.example.com',
      port: 2222,
      algorithm: 'ssh-ed25519',
      fingerprint: 'SHA256:one',
      source: 'given',
      pinned_by: alice,
      created_at: 7,
    }
    await (db as unknown as Kysely<{ known_host_keys: typeof pin }>)
      .insertInto('known_host_keys')
      .values(pin)
      .execute()
    await inventory.up(old)
    expect(await db.selectFrom('known_host_keys').selectAll().execute()).toEqual([
      { ...pin, host_kind: 'exact', via: '', mark: 'trusted', reason: null },
    ])
    const rules = await db.selectFrom('access_rules').selectAll().where('org_id', '=', orgId).execute()
    expect(rules).toMatchObject([{ subject_kind: 'role', subject_id: 'operator', selector: '*' }])
  })

  test('with `check` nothing is changed, and what is missing is named with the way out', async () => {
    await using opened = await openTestDatabase({ migrated: false })
    const { database } = opened
    await expect(database.migrate('check')).rejects.toMatchObject({
      name: 'KrownError',
      code: 'UNAVAILABLE',
      message: `the database lacks ${ALL.join(', ')}: run "krown-server migrate", or set database.migrate`,
    })
    await expect(applied(database)).rejects.toThrow(/schema_migrations/)
  })

  test.each(['auto', 'check'] as const)(
    'H18: a schema of a newer version is refused with `%s`',
    async (mode) => {
      await using opened = await openTestDatabase()
      const { database } = opened
      await migrations(database)
        .insertInto('schema_migrations')
        .values({ name: '9999_of_the_future', timestamp: '2999-01-01T00:00:00.000Z' })
        .execute()
      await expect(database.migrate(mode)).rejects.toMatchObject({
        name: 'KrownError',
        code: 'UNAVAILABLE',
        message: 'the database was made by a newer version of Krown: it has 9999_of_the_future',
      })
    },
  )

  test('H18: a migration that was killed half-way leaves nothing behind', async () => {
    await using opened = await openTestDatabase({ migrated: false })
    const { database } = opened
    const { db } = database
    if (opened.place.kind === 'postgres') await db.schema.createSchema(opened.place.schema).execute()
    // One of the last tables of the migration exists already, so it fails there.
    await db.schema.createTable('journal_heads').addColumn('other', 'text').execute()
    await expect(database.migrate('auto')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(db.selectFrom('organizations').selectAll().execute()).rejects.toThrow(/organizations/)
    await db.schema.dropTable('journal_heads').execute()
    await database.migrate('auto')
    expect(await applied(database)).toEqual(ALL)
  })
})
