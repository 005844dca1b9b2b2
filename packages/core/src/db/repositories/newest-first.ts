import { type SelectQueryBuilder, sql } from 'kysely'
import { DEFAULT_PAGE_LIMIT, type Page, type PageQuery } from '../../model/page.js'
import { decodeCursor, type Filters, toPage } from './cursor.js'

/** What is listed, of what `select` finds. */
export interface Listing<Row, Item> {
  readonly query: PageQuery
  /** With the list's name, as for any cursor. */
  readonly filters: Filters
  /** The column that the id is in, with the table's name where there are several; default `id`. */
  readonly column?: string
  readonly item: (row: Row) => Item
}

/**
 * The page of rows older than the cursor, newest first: ids have the time in them.
 *
 * @throws KrownError VALIDATION_FAILED for a cursor of another list.
 */
export async function pageNewestFirst<DB, TB extends keyof DB, Row extends { readonly id: string }, Item>(
  select: SelectQueryBuilder<DB, TB, Row>,
  { query: { limit = DEFAULT_PAGE_LIMIT, cursor }, filters, column = 'id', item }: Listing<Row, Item>,
): Promise<Page<Item>> {
  const id = sql.ref<string>(column)
  const older =
    cursor === undefined ? select : select.where(id, '<', decodeCursor(filters, cursor, ['string'])[0])
  const rows: readonly Row[] = await older
    .orderBy(id, 'desc')
    .limit(limit + 1)
    .execute()
  return toPage(rows, limit, { filters, key: (row) => [row.id], item })
}
