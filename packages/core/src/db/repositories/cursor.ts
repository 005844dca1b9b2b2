import { hash } from 'node:crypto'
import { validationError } from '../../errors/krown-error.js'

type Key = readonly (string | number)[]
type Kind = 'string' | 'number'
type KeyOf<Kinds extends readonly Kind[]> = {
  [Place in keyof Kinds]: Kinds[Place] extends 'number' ? number : string
}

/** What a list was filtered by; name the list too, or its cursors fit other lists. */
export type Filters = Readonly<Record<string, unknown>>

/** A cursor says where a page ended and which filters it belongs to; opaque to the caller. */
export function encodeCursor(filters: Filters, key: Key): string {
  return Buffer.from(JSON.stringify([digest(filters), ...key]), 'utf8').toString('base64url')
}

/**
 * The key of a cursor that was made with the same filters.
 *
 * @param kinds What the key is made of: a cursor is not signed, so anybody can write one.
 * @throws KrownError VALIDATION_FAILED when it is damaged or belongs to another list.
 */
export function decodeCursor<const Kinds extends readonly Kind[]>(
  filters: Filters,
  cursor: string,
  kinds: Kinds,
): KeyOf<Kinds> {
  const [made, ...key] = parse(cursor) ?? []
  if (made === digest(filters) && isOf(kinds, key)) return key
  throw validationError([
    { path: 'cursor', message: 'belongs to another list or is damaged; start without it' },
  ])
}

function isOf<Kinds extends readonly Kind[]>(kinds: Kinds, key: unknown): key is KeyOf<Kinds> {
  const parts = key as Key
  return parts.length === kinds.length && parts.every((part, place) => typeof part === kinds[place])
}

function parse(cursor: string): Key | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    return Array.isArray(value) && value.every(isStorable) ? value : undefined
  } catch {
    return undefined
  }
}

// PostgreSQL takes neither NUL nor half of a surrogate pair.
function isStorable(part: unknown): boolean {
  if (typeof part !== 'string') return Number.isSafeInteger(part)
  return part.isWellFormed() && !part.includes('\0')
}

// In one order, and without what is undefined: the caller may name the same filters differently next time.
function digest(filters: Filters): string {
  const given = Object.entries(filters).filter(([, value]) => value !== undefined)
  given.sort(([one], [other]) => (one < other ? -1 : 1))
  return hash('sha256', JSON.stringify(given), 'hex').slice(0, 16)
}

/** The page of at most `limit` items out of up to `limit + 1` rows, with the cursor to the next. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  options: { filters: Filters; key: (row: Row) => Key; item: (row: Row) => Item },
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const more = rows.length > limit && last !== undefined
  return {
    items: shown.map(options.item),
    nextCursor: more ? encodeCursor(options.filters, options.key(last)) : null,
  }
}
