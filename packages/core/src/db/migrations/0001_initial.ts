import { type Kysely, type Migration, sql } from 'kysely'

async function createIdentityTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('organizations')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('slug', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('disabled_at', 'bigint')
    .addUniqueConstraint('organizations_slug_unique', ['slug'])
    .execute()
  await db.schema
    .createTable('users')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('username', 'text')
    .addColumn('display_name', 'text', (c) => c.notNull())
    .addColumn('email', 'text')
    .addColumn('password_hash', 'text')
    .addColumn('external_issuer', 'text')
    .addColumn('external_subject', 'text')
    .addColumn('is_instance_admin', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('token_version', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('last_login_at', 'bigint')
    .addColumn('disabled_at', 'bigint')
    .addUniqueConstraint('users_username_unique', ['username'])
    .addUniqueConstraint('users_external_unique', ['external_issuer', 'external_subject'])
    .addCheckConstraint('users_username_must_be_folded', sql`username is null or username = lower(username)`)
    .execute()
}

async function createMemberTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('instance')
    .addColumn('singleton', 'integer', (c) => c.primaryKey())
    .addColumn('set_up_at', 'bigint', (c) => c.notNull())
    .addColumn('set_up_by', 'text', (c) => c.notNull())
    .addCheckConstraint('instance_must_be_one_row', sql`singleton = 1`)
    .execute()
  await db.schema
    .createTable('memberships')
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text', (c) => c.notNull())
    .addColumn('role', 'text', (c) => c.notNull().defaultTo('readonly'))
    .addColumn('audit_scope', 'text', (c) => c.notNull().defaultTo('own'))
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('disabled_at', 'bigint')
    .addPrimaryKeyConstraint('memberships_pkey', ['org_id', 'user_id'])
    .addForeignKeyConstraint('memberships_org_fkey', ['org_id'], 'organizations', ['id'])
    .addForeignKeyConstraint('memberships_user_fkey', ['user_id'], 'users', ['id'])
    .addCheckConstraint('memberships_role_must_be_known', sql`role in ('admin', 'operator', 'readonly')`)
    .addCheckConstraint('memberships_audit_scope_must_be_known', sql`audit_scope in ('own', 'org')`)
    .execute()
  await db.schema
    .createIndex('memberships_by_role')
    .on('memberships')
    .columns(['org_id', 'role', 'user_id'])
    .execute()
  await db.schema.createIndex('memberships_by_user').on('memberships').columns(['user_id']).execute()
  await db.schema
    .createTable('logins')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text', (c) => c.notNull())
    .addColumn('token_hash', 'text', (c) => c.notNull())
    .addColumn('previous_token_hash', 'text')
    .addColumn('chain_key', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('rotated_at', 'bigint', (c) => c.notNull())
    .addColumn('idle_expires_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('revoked_at', 'bigint')
    .addColumn('client_ip', 'text')
    .addColumn('user_agent', 'text')
    .addForeignKeyConstraint('logins_user_fkey', ['user_id'], 'users', ['id'])
    .execute()
  await db.schema.createIndex('logins_by_user').on('logins').columns(['user_id', 'id']).execute()
  await db.schema.createIndex('logins_by_expiry').on('logins').columns(['expires_at']).execute()
}

async function createSessionTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('nodes')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addColumn('heartbeat_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema
    .createTable('sessions')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text', (c) => c.notNull())
    .addColumn('target_id', 'text')
    .addColumn('node_id', 'text', (c) => c.notNull())
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('port', 'integer', (c) => c.notNull())
    .addColumn('username', 'text', (c) => c.notNull())
    .addColumn('auth_method', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('status_reason', 'text')
    .addColumn('host_key_fingerprint', 'text')
    .addColumn('host_key_newly_pinned', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('client_ip', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('connected_at', 'bigint')
    .addColumn('last_activity_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('bytes_in', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('bytes_out', 'bigint', (c) => c.notNull().defaultTo(0))
    .addForeignKeyConstraint('sessions_member_fkey', ['org_id', 'user_id'], 'memberships', [
      'org_id',
      'user_id',
    ])
    .addCheckConstraint('sessions_port_must_be_valid', sql`port between 0 and 65535`)
    .execute()
  await createListIndexes(db, 'sessions', [
    ['id'],
    ['user_id', 'id'],
    ['status', 'id'],
    ['host', 'id'],
    ['target_id', 'id'],
  ])
  await db.schema
    .createIndex('sessions_live')
    .on('sessions')
    .columns(['org_id', 'user_id', 'node_id'])
    .where(sql.ref('ended_at'), 'is', null)
    .execute()
}

async function createCommandTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('command_logs')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('session_id', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text', (c) => c.notNull())
    .addColumn('node_id', 'text', (c) => c.notNull())
    .addColumn('command', 'text', (c) => c.notNull())
    .addColumn('request_digest', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('exit_code', 'bigint')
    .addColumn('signal', 'text')
    .addColumn('error_code', 'text')
    .addColumn('stdout_bytes', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('stderr_bytes', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('stdout_truncated', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('stderr_truncated', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('stdout_sha256', 'text')
    .addColumn('stderr_sha256', 'text')
    .addColumn('killed', 'text')
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addColumn('finished_at', 'bigint')
    .addColumn('duration_ms', 'bigint')
    .addForeignKeyConstraint('command_logs_session_fkey', ['session_id'], 'sessions', ['id'])
    .execute()
  await createListIndexes(db, 'command_logs', [
    ['started_at', 'id'],
    ['session_id', 'started_at', 'id'],
    ['user_id', 'started_at', 'id'],
  ])
  await db.schema
    .createIndex('command_logs_running')
    .on('command_logs')
    .columns(['org_id', 'started_at', 'id'])
    .where(sql.ref('status'), '=', sql.lit('running'))
    .execute()
  // Of a command that runs and completes it has no trace: that is nearly every one, and each index costs it time.
  await db.schema
    .createIndex('command_logs_unusual')
    .on('command_logs')
    .columns(['org_id', 'status', 'started_at', 'id'])
    .where(sql.ref('status'), 'not in', [sql.lit('running'), sql.lit('completed')])
    .execute()
  await db.schema
    .createTable('known_host_keys')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('user_scope', 'text', (c) => c.notNull())
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('port', 'integer', (c) => c.notNull())
    .addColumn('algorithm', 'text', (c) => c.notNull())
    .addColumn('fingerprint', 'text', (c) => c.notNull())
    .addColumn('source', 'text', (c) => c.notNull())
    .addColumn('pinned_by', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('known_host_keys_unique', ['org_id', 'host', 'port', 'user_scope', 'fingerprint'])
    .execute()
}

async function createJournalTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('journal_heads')
    .addColumn('org_id', 'text', (c) => c.primaryKey())
    .addColumn('seq', 'bigint', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .execute()
  await db.schema
    .createTable('journal_entries')
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('seq', 'bigint', (c) => c.notNull())
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('outcome', 'text', (c) => c.notNull())
    .addColumn('actor_user_id', 'text')
    .addColumn('resource_id', 'text')
    .addColumn('text', 'text', (c) => c.notNull())
    .addColumn('details', 'text')
    .addColumn('salt', 'text')
    .addColumn('prev_hash', 'text', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('journal_entries_pkey', ['org_id', 'seq'])
    .execute()
  await createListIndexes(db, 'journal_entries', [
    ['action', 'seq'],
    ['actor_user_id', 'seq'],
    ['resource_id', 'seq'],
  ])
  await db.schema
    .createIndex('journal_entries_unusual')
    .on('journal_entries')
    .columns(['org_id', 'outcome', 'seq'])
    .where(sql.ref('outcome'), '<>', sql.lit('success'))
    .execute()
}

/** One index for each way in which a list can be filtered, in the order in which it is paged. */
async function createListIndexes(db: Kysely<unknown>, table: string, lists: string[][]): Promise<void> {
  for (const columns of lists) {
    await db.schema
      .createIndex(`${table}_by_${columns.join('_')}`)
      .on(table)
      .columns(['org_id', ...columns])
      .execute()
  }
}

export const initial: Migration = {
  async up(db) {
    await createIdentityTables(db)
    await createMemberTables(db)
    await createSessionTables(db)
    await createCommandTables(db)
    await createJournalTables(db)
  },
}
