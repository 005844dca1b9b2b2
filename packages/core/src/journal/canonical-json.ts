export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
/** Members that are undefined are left out. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined }

/**
 * JSON as RFC 8785 wants it: members in the order of their names' UTF-16 code units, no white space, numbers and
 * strings as ECMAScript writes them. Members that are undefined are left out.
 *
 * @throws TypeError for a number that is not finite.
 */
export function canonicalJson(value: JsonValue): string {
  return isInOrder(value) ? JSON.stringify(value) : sortedJson(value)
}

// Names that begin with a digit come before the @: an object lists integers by value, wherever they were put.
const BEFORE_LETTERS = '@'

/** Whether the engine's own serializer, which is three times as fast, would write the same text. */
function isInOrder(value: JsonValue): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (value === null || typeof value !== 'object') return true
  const members = value as JsonObject
  let previous = BEFORE_LETTERS
  // Not by Object.keys, which makes a list each time; these are plain objects.
  for (const name in members) {
    if (name <= previous || !isInOrder(members[name] ?? null)) return false
    previous = name
  }
  return true
}

function sortedJson(value: JsonValue): string {
  if (value === null || typeof value !== 'object') return scalar(value)
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`
  let members = ''
  for (const [name, member] of Object.entries(value).sort(byName)) {
    if (member !== undefined) members += `${members && ','}${JSON.stringify(name)}:${sortedJson(member)}`
  }
  return `{${members}}`
}

function scalar(value: string | number | boolean | null): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`JSON has no ${value}`)
  return JSON.stringify(value)
}

function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1
}
