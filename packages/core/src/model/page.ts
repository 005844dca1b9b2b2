import { z } from 'zod'

/** One page of a list, newest first. */
export interface Page<Item> {
  items: Item[]
  /** Give it back as `cursor`, with the same filters, for the next page; null at the end. */
  nextCursor: string | null
}

/** What every list takes; everything may be left out. */
export interface PageQuery {
  /** Items a page, 1 to 200; default 50. */
  limit?: number | undefined
  /** `nextCursor` of the previous page. */
  cursor?: string | undefined
}

/** Items a page when `limit` is left out. */
export const DEFAULT_PAGE_LIMIT = 50

export const pageQueryShape = {
  limit: z.number().int().min(1).max(200).optional(),
  cursor: z.string().min(1).max(1024).optional(),
}

export const pageOf = <Item>(item: z.ZodType<Item>) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() })
