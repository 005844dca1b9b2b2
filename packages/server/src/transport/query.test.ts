import { isKrownError } from '@krown/core'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { coerceQuery, parseQuery } from './query.js'

const shape = {
  limit: z.number().int().min(1).max(200).optional(),
  disabled: z.boolean().optional(),
  search: z.string().optional(),
}
const coerce = (text: string) => Object.fromEntries(coerceQuery(parseQuery(text), shape))

function fieldsOf(text: string) {
  try {
    coerce(text)
  } catch (error) {
    return isKrownError(error) ? error.details?.fields : error
  }
  return undefined
}

test.each([
  ['limit=5&disabled=false&search=5', { limit: 5, disabled: false, search: '5' }],
  ['disabled=true', { disabled: true }],
  ['search=a+b%20c%26d%3D', { search: 'a b c&d=' }],
  ['search=%C3%A9', { search: 'é' }],
  ['search', { search: '' }],
  ['', {}],
  ['&&limit=1&', { limit: 1 }],
])('%s has the types of its keys', (text, values) => {
  expect(coerce(text)).toEqual(values)
})

test.each(['1e3', '0x10', ' 5', '5.5', '', '1_000', 'NaN', '٣', '99999999999999999999'])(
  'limit=%s is left as text, for the schema to refuse',
  (value) => {
    expect(coerce(`limit=${encodeURIComponent(value)}`)).toEqual({ limit: value })
  },
)

test.each(['1', '0', 'yes', 'TRUE', ''])('disabled=%s is no boolean', (value) => {
  expect(coerce(`disabled=${value}`)).toEqual({ disabled: value })
})

test('what the schemas are is not changed by it', () => {
  coerce('limit=5&disabled=true')
  expect(z.object(shape).safeParse({ limit: '5' }).success).toBe(false)
  expect(z.object(shape).safeParse({ disabled: 'true' }).success).toBe(false)
})

describe('refused is', () => {
  test('a key that comes twice, also in another spelling', () => {
    expect(fieldsOf('limit=1&limit=2')).toEqual([{ path: 'limit', message: 'must not be given twice' }])
    expect(fieldsOf('limit=1&%6cimit=2')).toEqual([{ path: 'limit', message: 'must not be given twice' }])
  })

  test.each(['search=%ff', 'search=%c0%af', 'search=%ed%a0%80', 'search=%', 'search=%zz', '%ff=1'])(
    'C04: what is not percent-encoded UTF-8: %s',
    (text) => {
      expect(fieldsOf(text)).toMatchObject([{ message: 'must be percent-encoded UTF-8' }])
    },
  )
})

test('C07: a key named __proto__ is a key like any other', () => {
  expect(coerceQuery(parseQuery('__proto__=1'), shape)).toEqual([['__proto__', '1']])
})
