import { validationError } from '@krown/core'
import { z } from 'zod'

/** A query string taken apart, or what is wrong with it. Never throws: the router would not expect it. */
export type ParsedQuery =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly key: string; readonly message: string }

export function parseQuery(text: string): ParsedQuery {
  const values = new Map<string, string>()
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const split = pair.indexOf('=')
    const key = decode(split < 0 ? pair : pair.slice(0, split))
    const value = decode(split < 0 ? '' : pair.slice(split + 1))
    if (key === undefined || value === undefined) {
      return { ok: false, key: key ?? '', message: 'must be percent-encoded UTF-8' }
    }
    if (values.has(key)) return { ok: false, key, message: 'must not be given twice' }
    values.set(key, value)
  }
  return { ok: true, values }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/**
 * The values of a query string in the types that `shape` wants. What does not look like its type stays text,
 * for the schema to refuse.
 *
 * @throws KrownError VALIDATION_FAILED when the query string itself is malformed.
 */
export function coerceQuery(query: ParsedQuery, shape: z.core.$ZodShape): [string, unknown][] {
  if (!query.ok) throw validationError([{ path: query.key, message: query.message }])
  return [...query.values].map(([key, text]) => [key, coerce(text, shape[key])])
}

const INTEGER = /^-?\d{1,15}$/

function coerce(text: string, schema: z.core.$ZodType | undefined): unknown {
  const type = schema && baseType(schema)
  if (type instanceof z.core.$ZodNumber) return INTEGER.test(text) ? Number(text) : text
  if (type instanceof z.core.$ZodBoolean) return text === 'true' || (text === 'false' ? false : text)
  return text
}

function baseType(schema: z.core.$ZodType): z.core.$ZodType {
  const wraps = schema instanceof z.core.$ZodOptional || schema instanceof z.core.$ZodDefault
  return wraps ? baseType(schema._zod.def.innerType) : schema
}
