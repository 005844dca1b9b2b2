import type { Page, PageQuery } from '@krown/sdk'
import type { Command } from 'commander'
import type { Context } from '../context.js'
import type { Column } from '../output/table.js'
import { parseCount } from './option-values.js'

export interface ListOptions {
  readonly limit: number
  readonly cursor?: string
}

/** What a server gives at once. */
const MAX_PAGE = 200
/** A page may be empty before the last one: rules can keep all of it from an API token. So many in a row are enough. */
const MAX_EMPTY = 100

export function withListOptions(command: Command): Command {
  return command
    .option('--limit <count>', 'at most so many, the newest first', parseCount, 50)
    .option('--cursor <cursor>', 'go on where another list ended: its nextCursor')
}

/** Every page of up to `limit` items, as one. A server that leads in a circle or nowhere has no more of them. */
export async function collectPages<Item>(
  list: (query: PageQuery) => Promise<Page<Item>>,
  { limit, cursor }: ListOptions,
): Promise<Page<Item>> {
  const items: Item[] = []
  const followed = new Set<string>()
  let empty = 0
  let next = cursor
  do {
    if (next !== undefined) followed.add(next)
    const page = await list({
      limit: Math.min(MAX_PAGE, limit - items.length),
      ...(next && { cursor: next }),
    })
    items.push(...page.items)
    empty = page.items.length === 0 ? empty + 1 : 0
    next = empty > MAX_EMPTY ? undefined : (page.nextCursor ?? undefined)
    if (next !== undefined && followed.has(next)) next = undefined
  } while (next !== undefined && items.length < limit)
  return { items, nextCursor: next ?? null }
}

/** Prints a page as a table, and says when there is more. */
export async function printPage<Item>(
  { output }: Context,
  page: Page<Item>,
  columns: readonly Column<Item>[],
): Promise<void> {
  await output.table(page, columns)
  if (!output.json && page.nextCursor !== null) await output.note('there are more: --limit shows them')
}
