import type { JsonValue } from './entry.js'

/**
 * JSON as RFC 8785 wants it: members in the order of their names' UTF-16 code units, no white space, numbers and
 * strings as ECMAScript writes them. Members that are undefined are left out.
 *
 * @throws TypeError for a number that is not finite.
 */
export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value !== 'object') return scalar(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  let members = ''
  for (const [name, member] of Object.entries(value).sort(byName)) {
    if (member !== undefined) members += `${members && ','}${JSON.stringify(name)}:${canonicalJson(member)}`
  }
  return `{${members}}`
}

function scalar(value: string | number | boolean | null): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`JSON has no ${value}`)
  return JSON.stringify(value)
}

function byName([one]: [string, JsonValue], [other]: [string, JsonValue]): number {
  return one < other ? -1 : 1
}
