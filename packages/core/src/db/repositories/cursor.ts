import { hash } from 'node:crypto'
import { validationError } from '../../errors/krown-error.js'

type Key = readonly (string | number)[]

/** A cursor says where a page ended and which filters it belongs to; opaque to the caller. */
export function encodeCursor(filters: unknown, key: Key): string {
  return Buffer.from(JSON.stringify([digest(filters), ...key]), 'utf8').toString('base64url')
}

/**
 * The key of a cursor that was made with the same filters.
 *
 * @throws KrownError VALIDATION_FAILED when it is damaged or belongs to another list.
 */
export function decodeCursor(filters: unknown, cursor: string): Key {
  const parsed = parse(cursor)
  if (!parsed || parsed[0] !== digest(filters)) {
    throw validationError([
      { path: 'cursor', message: 'belongs to another list or is damaged; start without it' },
    ])
  }
  return parsed.slice(1)
}

function parse(cursor: string): Key | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    const sound =
      Array.isArray(value) && value.every((part) => typeof part === 'string' || Number.isSafeInteger(part))
    return sound ? value : undefined
  } catch {
    return undefined
  }
}

function digest(filters: unknown): string {
  return hash('sha256', JSON.stringify(filters) ?? '', 'hex').slice(0, 16)
}

/** The page of at most `limit` items out of up to `limit + 1` rows, with the cursor to the next. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  options: { filters: unknown; key: (row: Row) => Key; item: (row: Row) => Item },
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const more = rows.length > limit && last !== undefined
  return {
    items: shown.map(options.item),
    nextCursor: more ? encodeCursor(options.filters, options.key(last)) : null,
  }
}
