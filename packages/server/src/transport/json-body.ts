import { KrownError, validationError } from '@krown/core'

/** What is deeper, wider or longer is refused before it is looked at: V8 parses a million levels happily. */
const MAX_DEPTH = 32
const MAX_ENTRIES = 1000
/** Names by which a careless merge would reach a prototype. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype'])

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPENING = new Set([0x5b, 0x7b])
const CLOSING = new Set([0x5d, 0x7d])

/**
 * The value of a JSON request body.
 *
 * @returns Undefined for an empty body.
 * @throws KrownError VALIDATION_FAILED for invalid UTF-8 or JSON, unpaired surrogates, more than 32 levels, more
 * than 1,000 entries in one object or array, and keys such as `__proto__`.
 */
export function parseJsonBody(body: Uint8Array): unknown {
  return body.length === 0 ? undefined : parseJsonText(decode(body))
}

/** The same for text that came another way: in a query string or a WebSocket frame. */
export function parseJsonText(text: string): unknown {
  refuseDepth(text)
  const value = parse(text)
  inspect(value)
  return value
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
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

function refuseDepth(text: string): void {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) inString = !inString
    else if (inString) at += unit === BACKSLASH ? 1 : 0
    else if (OPENING.has(unit)) depth += 1
    else if (CLOSING.has(unit)) depth -= 1
    if (depth > MAX_DEPTH) throw refused(`must not be deeper than ${MAX_DEPTH} levels`)
  }
}

// Recursion is safe here: the depth is bounded already.
function inspect(value: unknown): void {
  if (typeof value === 'string' && !value.isWellFormed()) throw refused('must be valid Unicode text')
  if (typeof value !== 'object' || value === null) return
  const entries = Object.entries(value)
  if (entries.length > MAX_ENTRIES)
    throw refused(`must not have more than ${MAX_ENTRIES} entries at one place`)
  for (const [key, inner] of entries) {
    if (FORBIDDEN_KEYS.has(key))
      throw validationError([{ path: key, message: 'is not a name that may be used' }])
    inspect(key)
    inspect(inner)
  }
}

function refused(rule: string): KrownError {
  return new KrownError('VALIDATION_FAILED', `the input ${rule}`)
}
