import { KrownError, validationError } from '@krown/core'

/** What is deeper, wider or longer is refused before it is looked at: V8 parses a million levels happily. */
const MAX_DEPTH = 32
const MAX_ENTRIES = 1000
/** Names by which a careless merge would reach a prototype. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype'])

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c
/** What brackets and braces do to the depth. */
const LEVELS = new Map([
  [0x5b, 1],
  [0x7b, 1],
  [0x5d, -1],
  [0x7d, -1],
])

/**
 * The value of a JSON request body.
 *
 * @returns Undefined for an empty body.
 * @throws KrownError VALIDATION_FAILED for invalid UTF-8 or JSON, a byte order mark, unpaired surrogates, more than
 * 32 levels, more than 1,000 entries in one object or array, a name that comes twice, and keys such as `__proto__`.
 */
export function parseJsonBody(body: Uint8Array): unknown {
  return body.length === 0 ? undefined : parseJsonText(decode(body))
}

/** The same for text that came another way: in a query string or a WebSocket frame. */
export function parseJsonText(text: string): unknown {
  const written = countMembers(text)
  const value = parse(text)
  // Of members of one name JSON.parse keeps the last; another reader may take the first.
  if (inspect(value) !== written) throw refused('must not have the same name twice in one object')
  return value
}

function decode(body: Uint8Array): string {
  try {
    return UTF8.decode(body)
  } catch (cause) {
    throw new KrownError('VALIDATION_FAILED', 'the request body is not valid UTF-8', { cause })
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    // V8's message quotes the text.
    throw new KrownError('VALIDATION_FAILED', 'the input is not valid JSON', { cause })
  }
}

/** Members of all objects; with JSON that is none, any number. */
function countMembers(text: string): number {
  let members = 0
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) inString = !inString
    else if (inString) at += unit === BACKSLASH ? 1 : 0
    else if (unit === COLON) members += 1
    else depth += LEVELS.get(unit) ?? 0
    if (depth > MAX_DEPTH) throw refused(`must not be deeper than ${MAX_DEPTH} levels`)
  }
  return members
}

// Recursion is safe here: the depth is bounded already.
/** @returns The members of all objects in it. */
function inspect(value: unknown): number {
  if (typeof value === 'string' && !value.isWellFormed()) throw refused('must be valid Unicode text')
  if (typeof value !== 'object' || value === null) return 0
  const entries = Object.entries(value)
  if (entries.length > MAX_ENTRIES)
    throw refused(`must not have more than ${MAX_ENTRIES} entries at one place`)
  let members = Array.isArray(value) ? 0 : entries.length
  for (const [key, inner] of entries) {
    if (FORBIDDEN_KEYS.has(key))
      throw validationError([{ path: key, message: 'is not a name that may be used' }])
    inspect(key)
    members += inspect(inner)
  }
  return members
}

function refused(rule: string): KrownError {
  return new KrownError('VALIDATION_FAILED', `the input ${rule}`)
}
