import { type Kysely, type Migration, sql } from 'kysely'

type Db = Kysely<unknown>

async function createRecordings(db: Db): Promise<void> {
  await db.schema
    .createTable('recordings')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('session_id', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text', (c) => c.notNull())
    .addColumn('node_id', 'text', (c) => c.notNull())
    .addColumn('command_id', 'text')
    .addColumn('kind', 'text', (c) => c.notNull().check(sql`kind in ('session', 'terminal')`))
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('sealed_key', 'text')
    .addColumn('key_id', 'text')
    .addColumn('file_bytes', 'bigint')
    .addColumn('plain_bytes', 'bigint')
    .addColumn('sha256', 'text')
    .addColumn('lost_bytes', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('duration_ms', 'bigint')
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('deleted_at', 'bigint')
    .addForeignKeyConstraint('recordings_session_fkey', ['session_id'], 'sessions', ['id'])
    .addCheckConstraint(
      'recordings_status_must_be_known',
      sql`status in ('recording', 'closed', 'incomplete', 'deleted')`,
    )
    .execute()
  for (const columns of [[], ['user_id'], ['session_id'], ['kind'], ['status']]) {
    await db.schema
      .createIndex(['recordings_by', ...columns, 'start'].join('_'))
      .on('recordings')
      .columns(['org_id', ...columns, 'started_at', 'id'])
      .execute()
  }
  await db.schema
    .createIndex('recordings_running')
    .on('recordings')
    .column('node_id')
    .where(sql.ref('status'), '=', sql.lit('recording'))
    .execute()
  await db.schema
    .createIndex('recordings_kept_by_end')
    .on('recordings')
    .columns(['ended_at', 'id'])
    .where(sql.ref('deleted_at'), 'is', null)
    .execute()
  await db.schema.createIndex('recordings_by_key').on('recordings').columns(['key_id', 'id']).execute()
}

export const channels: Migration = {
  async up(db) {
    await createRecordings(db)
    await db.schema
      .alterTable('command_logs')
      .addColumn('kind', 'text', (c) => c.notNull().defaultTo('exec').check(sql`kind in ('exec', 'shell')`))
      .execute()
    for (const [column, type] of [
      ['recording_id', 'text'],
      ['recording_offset_ms', 'bigint'],
    ] as const)
      await db.schema.alterTable('command_logs').addColumn(column, type).execute()
    await db.schema
      .createIndex('command_logs_shells')
      .on('command_logs')
      .columns(['org_id', 'started_at', 'id'])
      .where(sql.ref('kind'), '=', sql.lit('shell'))
      .execute()
  },
}
