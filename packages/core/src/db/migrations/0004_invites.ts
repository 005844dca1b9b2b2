import type { Migration } from 'kysely'

export const invites: Migration = {
  async up(db) {
    await db.schema
      .createTable('invites')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('org_id', 'text', (c) => c.notNull())
      .addColumn('secret_hash', 'text', (c) => c.notNull())
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('note', 'text')
      .addColumn('created_by', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .addColumn('used_at', 'bigint')
      .addColumn('used_by', 'text')
      .addColumn('revoked_at', 'bigint')
      .addForeignKeyConstraint('invites_member_fkey', ['org_id', 'created_by'], 'memberships', [
        'org_id',
        'user_id',
      ])
      .execute()
    await db.schema.createIndex('invites_by_org').on('invites').columns(['org_id', 'id']).execute()
  },
}
