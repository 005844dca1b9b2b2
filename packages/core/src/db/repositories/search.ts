import { type RawBuilder, type SqlBool, sql } from 'kysely'

/** `column` contains `text`, any case, with no character of it being a wildcard. */
export function containsText(column: RawBuilder<unknown>, text: string): RawBuilder<SqlBool> {
  const pattern = `%${text.replace(/[\\%_]/g, '\\$&')}%`
  // The database folds both sides: which letters it knows cases of depends on its locale.
  return sql<SqlBool>`lower(${column}) like lower(${pattern}) escape '\\'`
}
