import { type RawBuilder, type SqlBool, sql } from 'kysely'

/** `column` contains `text`, any case, with no character of it being a wildcard. */
export function containsText(column: RawBuilder<unknown>, text: string): RawBuilder<SqlBool> {
  const pattern = `%${text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`
  return sql<SqlBool>`lower(${column}) like ${pattern} escape '\\'`
}
