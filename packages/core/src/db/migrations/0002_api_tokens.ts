import type { Migration } from 'kysely'

export const apiTokens: Migration = {
  async up(db) {
    await db.schema
      .createTable('api_tokens')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('org_id', 'text', (c) => c.notNull())
      .addColumn('user_id', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('secret_hash', 'text', (c) => c.notNull())
      .addColumn('scopes', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint')
      .addColumn('last_used_at', 'bigint')
      .addColumn('revoked_at', 'bigint')
      .addForeignKeyConstraint('api_tokens_member_fkey', ['org_id', 'user_id'], 'memberships', [
        'org_id',
        'user_id',
      ])
      .execute()
    await db.schema
      .createIndex('api_tokens_by_user')
      .on('api_tokens')
      .columns(['org_id', 'user_id', 'id'])
      .execute()
  },
}
