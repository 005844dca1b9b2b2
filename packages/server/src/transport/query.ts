import { validationError } from '@krown/core'
import { z } from 'zod'

/** Taken from the URL itself: what routers make of it folds repetitions and repairs broken encodings. */
export function queryOf({ url }: { url: string }): string {
  const start = url.indexOf('?')
  return start < 0 ? '' : url.slice(start + 1)
}

/**
 * The values of a query string, as text.
 *
 * @throws KrownError VALIDATION_FAILED when a key comes twice or something is not percent-encoded UTF-8.
 */
export function parseQuery(text: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const split = pair.indexOf('=')
    const key = decode(split < 0 ? pair : pair.slice(0, split))
    const value = decode(split < 0 ? '' : pair.slice(split + 1))
    if (key === undefined || value === undefined) {
      throw validationError([{ path: key ?? '', message: 'must be percent-encoded UTF-8' }])
    }
    if (values.has(key)) throw validationError([{ path: key, message: 'must not be given twice' }])
    values.set(key, value)
  }
  return values
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/**
 * The values of a query string in the types that `shape` wants, without touching the schemas. What does not look
 * like its type stays text, for the schema to refuse.
 */
export function coerceQuery(
  query: ReadonlyMap<string, string>,
  shape: z.core.$ZodShape,
): [string, unknown][] {
  return [...query].map(([key, text]) => [key, coerce(text, shape[key])])
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
