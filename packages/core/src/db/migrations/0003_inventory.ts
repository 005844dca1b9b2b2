import { type Kysely, type Migration, sql } from 'kysely'
import { newId } from '../../base/ids.js'

type Db = Kysely<unknown>

async function createCredentials(db: Db): Promise<void> {
  await db.schema
    .createTable('master_keys')
    .addColumn('key_id', 'text', (c) => c.primaryKey())
    .addColumn('active', 'integer')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('retired_at', 'bigint')
    .addUniqueConstraint('master_keys_active_unique', ['active'])
    .execute()
  await db.schema
    .createTable('credentials')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('fingerprint', 'text')
    .addColumn('secret', 'text', (c) => c.notNull())
    .addColumn('key_id', 'text', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addForeignKeyConstraint('credentials_organization_fkey', ['org_id'], 'organizations', ['id'])
    // The only index that begins with the organization, for the reason given at targets.
    .addUniqueConstraint('credentials_org_id_id_unique', ['org_id', 'id'])
    .addUniqueConstraint('credentials_name_unique', ['name', 'org_id'])
    .execute()
  await db.schema.createIndex('credentials_by_key').on('credentials').columns(['key_id', 'id']).execute()
}

async function createTargets(db: Db): Promise<void> {
  await db.schema
    .createTable('targets')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('port', 'integer', (c) => c.notNull())
    .addColumn('username', 'text', (c) => c.notNull())
    .addColumn('tags', 'text', (c) => c.notNull())
    .addColumn('credential_id', 'text')
    .addColumn('jump_target_id', 'text')
    .addColumn('legacy_algorithms', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('description', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addForeignKeyConstraint('targets_organization_fkey', ['org_id'], 'organizations', ['id'])
    // No other index may begin with the organization: while a table is small, PostgreSQL takes any such index to look
    // up what a foreign key names, and a connection that planned it so then reads all of the organization's rows for
    // each new one.
    .addUniqueConstraint('targets_org_id_id_unique', ['org_id', 'id'])
    .addUniqueConstraint('targets_name_unique', ['name', 'org_id'])
    // Of the same organization: another's secret or jump host cannot be named, whatever the code does.
    .addForeignKeyConstraint('targets_credential_fkey', ['org_id', 'credential_id'], 'credentials', [
      'org_id',
      'id',
    ])
    .addForeignKeyConstraint('targets_jump_fkey', ['org_id', 'jump_target_id'], 'targets', ['org_id', 'id'])
    .addCheckConstraint('targets_port_must_be_valid', sql`port between 1 and 65535`)
    .execute()
  for (const column of ['credential_id', 'jump_target_id']) {
    await db.schema.createIndex(`targets_by_${column}`).on('targets').column(column).execute()
  }
}

async function createAccessRules(db: Db): Promise<void> {
  await db.schema
    .createTable('access_rules')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('subject_kind', 'text', (c) => c.notNull())
    .addColumn('subject_id', 'text', (c) => c.notNull())
    .addColumn('selector', 'text', (c) => c.notNull())
    .addColumn('verbs', 'text', (c) => c.notNull())
    .addColumn('remote_usernames', 'text')
    .addColumn('expires_at', 'bigint')
    .addColumn('reason', 'text')
    .addColumn('granted_by', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addForeignKeyConstraint('access_rules_organization_fkey', ['org_id'], 'organizations', ['id'])
    .execute()
  for (const columns of [['id'], ['subject_kind', 'subject_id', 'id']]) {
    await db.schema
      .createIndex(`access_rules_by_${columns.join('_')}`)
      .on('access_rules')
      .columns(['org_id', ...columns])
      .execute()
  }
  await db.schema
    .createTable('inventory_revisions')
    .addColumn('org_id', 'text', (c) => c.primaryKey())
    .addColumn('revision', 'bigint', (c) => c.notNull())
    .execute()
}

/** The rule that every organization begins with. */
async function grantToOperators(db: Db): Promise<void> {
  const known = db.withTables<{
    organizations: { id: string; created_at: number }
    access_rules: Record<string, unknown>
    inventory_revisions: { org_id: string; revision: number }
  }>()
  const organizations = await known.selectFrom('organizations').select(['id', 'created_at']).execute()
  for (const { id, created_at } of organizations) {
    await known
      .insertInto('access_rules')
      .values({
        id: newId(),
        org_id: id,
        subject_kind: 'role',
        subject_id: 'operator',
        selector: '*',
        verbs: 'exec shell transfer',
        created_at,
      })
      .execute()
    // Says that it has its rule: once deleted, it does not come back.
    await known.insertInto('inventory_revisions').values({ org_id: id, revision: 1 }).execute()
  }
}

/** A host behind a jump host is another than the one of that name here, so the unique key has to change. */
async function widenKnownHostKeys(db: Db): Promise<void> {
  await db.schema.alterTable('known_host_keys').renameTo('known_host_keys_of_0001').execute()
  await db.schema
    .createTable('known_host_keys')
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('user_scope', 'text', (c) => c.notNull())
    .addColumn('host_kind', 'text', (c) => c.notNull())
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('port', 'integer', (c) => c.notNull())
    .addColumn('via', 'text', (c) => c.notNull())
    .addColumn('algorithm', 'text', (c) => c.notNull())
    .addColumn('fingerprint', 'text', (c) => c.notNull())
    .addColumn('mark', 'text', (c) => c.notNull())
    .addColumn('source', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('pinned_by', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('known_host_keys_of_host_pkey', ['id'])
    .addUniqueConstraint('known_host_keys_of_host_unique', [
      'org_id',
      'host',
      'port',
      'via',
      'user_scope',
      'fingerprint',
    ])
    .execute()
  await copyKnownHostKeys(db)
  await db.schema.dropTable('known_host_keys_of_0001').execute()
  for (const columns of [
    ['id'],
    ['user_scope', 'id'],
    ['mark', 'id'],
    ['host', 'id'],
    ['host_kind', 'id'],
    ['host_kind', 'fingerprint'],
  ]) {
    await db.schema
      .createIndex(`known_host_keys_by_${columns.join('_')}`)
      .on('known_host_keys')
      .columns(['org_id', ...columns])
      .execute()
  }
}

const KEPT = [
  'id',
  'org_id',
  'user_scope',
  'host',
  'port',
  'algorithm',
  'fingerprint',
  'source',
  'pinned_by',
  'created_at',
] as const

async function copyKnownHostKeys(db: Db): Promise<void> {
  type Columns = Record<(typeof KEPT)[number] | 'host_kind' | 'via' | 'mark', string>
  const known = db.withTables<{ known_host_keys: Columns; known_host_keys_of_0001: Columns }>()
  await known
    .insertInto('known_host_keys')
    .columns([...KEPT, 'host_kind', 'via', 'mark'])
    .expression(
      known
        .selectFrom('known_host_keys_of_0001')
        .select([...KEPT])
        .select([sql.lit('exact').as('host_kind'), sql.lit('').as('via'), sql.lit('trusted').as('mark')]),
    )
    .execute()
}

export const inventory: Migration = {
  async up(db) {
    await createCredentials(db)
    await createTargets(db)
    await createAccessRules(db)
    await grantToOperators(db)
    await widenKnownHostKeys(db)
  },
}
