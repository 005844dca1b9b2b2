import { type Migration, sql } from 'kysely'

export const channels: Migration = {
  async up(db) {
    await db.schema
      .alterTable('command_logs')
      .addColumn('kind', 'text', (c) => c.notNull().defaultTo('exec').check(sql`kind in ('exec', 'shell')`))
      .execute()
    await db.schema
      .createIndex('command_logs_shells')
      .on('command_logs')
      .columns(['org_id', 'started_at', 'id'])
      .where(sql.ref('kind'), '=', sql.lit('shell'))
      .execute()
  },
}
