import type { Migration } from 'kysely'

export const rateLimits: Migration = {
  async up(db) {
    await db.schema
      .createTable('rate_limits')
      // Names and order are those of the library that counts here, which inserts without naming columns.
      .addColumn('key', 'text', (c) => c.primaryKey())
      .addColumn('points', 'integer', (c) => c.notNull())
      .addColumn('expire', 'bigint', (c) => c.notNull())
      .execute()
    await db.schema.createIndex('rate_limits_by_expire').on('rate_limits').column('expire').execute()
  },
}
