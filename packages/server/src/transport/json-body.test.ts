import { isKrownError } from '@krown/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJsonBody } from './json-body.js'

const parse = (text: string) => parseJsonBody(Buffer.from(text))
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

function refusal(body: string | Uint8Array) {
  try {
    parseJsonBody(typeof body === 'string' ? Buffer.from(body) : body)
  } catch (error) {
    if (isKrownError(error)) return { code: error.code, message: error.message, details: error.details }
    throw error
  }
  return undefined
}

test('an empty body is no value', () => {
  expect(parse('')).toBeUndefined()
})

test('any JSON within the limits arrives as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      const text = JSON.stringify(value)
      fc.pre(!/__proto__|constructor|prototype/.test(text))
      expect(parse(text)).toEqual(JSON.parse(text))
    }),
  )
})

test('any other bytes are refused as invalid input, never with another error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      fc.pre(bytes.length > 0)
      try {
        JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
      } catch {
        expect(refusal(bytes)?.code).toBe('VALIDATION_FAILED')
      }
    }),
  )
})

describe('C02: what would cost too much is refused before it is parsed', () => {
  test('32 levels are taken, 33 and 100,000 are not', () => {
    expect(parse(nested(32))).toBeDefined()
    for (const depth of [33, 100, 100_000]) {
      expect(refusal(nested(depth))?.message).toBe('the input must not be deeper than 32 levels')
    }
  })

  test('brackets inside of strings are no levels, also after an escaped quotation mark', () => {
    const text = JSON.stringify({ a: `\\"${'['.repeat(100)}`, b: '\\' })
    expect(parse(text)).toEqual(JSON.parse(text))
  })

  test('1,000 entries are taken, 1,001 are not, in an object or in an array', () => {
    const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n]))
    expect(parse(JSON.stringify(keys(1000)))).toBeDefined()
    expect(parse(JSON.stringify({ a: Array(1000).fill(0) }))).toBeDefined()
    for (const value of [keys(1001), { a: Array(1001).fill(0) }]) {
      expect(refusal(JSON.stringify(value))?.message).toMatch('must not have more than 1000 entries')
    }
  })
})

describe('C04: text that is not Unicode is refused', () => {
  test.each([
    ['a stray ff', [0xff]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a lone surrogate in UTF-8', [0xed, 0xa0, 0x80]],
    ['a cut sequence', [0xe2, 0x82]],
  ])('%s', (_what, bytes) => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')])
    expect(refusal(body)).toMatchObject({ message: 'the request body is not valid UTF-8' })
  })

  test.each(['{"a":"\\ud800"}', '{"\\udc00":1}', '[["\\ud800"]]'])(
    'an escaped lone surrogate: %s',
    (body) => {
      expect(refusal(body)).toMatchObject({ code: 'VALIDATION_FAILED' })
    },
  )
})

describe('C07: keys that reach prototypes are refused at every level', () => {
  test.each(['__proto__', 'constructor', 'prototype'])('%s', (key) => {
    for (const body of [
      `{"${key}":{"polluted":1}}`,
      `{"a":[{"b":{"${key}":1}}]}`,
      `{"\\u005f${key.slice(1)}":1}`,
    ]) {
      if (key !== '__proto__' && body.includes('\\u005f')) continue
      expect(refusal(body)?.details).toEqual({
        fields: [{ path: key, message: 'is not a name that may be used' }],
      })
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})

test('what was wrong does not quote the text', () => {
  expect(refusal('{"password": hunter2')?.message).toBe('the input is not valid JSON')
})

describe('C04: what two readers would read differently is refused', () => {
  test.each(['{"a":1,"a":2}', '{"a":1,"\\u0061":1}', '[{"b":{"a":1,"c":[],"a":1}}]', '{"":0,"":0}'])(
    'a name that comes twice: %s',
    (text) => {
      expect(refusal(text)).toMatchObject({
        code: 'VALIDATION_FAILED',
        message: 'the input must not have the same name twice in one object',
      })
    },
  )

  test('the same name in different objects, and colons in texts, are fine', () => {
    const text = '{"a":{"a":[{"a":"x:y"},{"a:":":\\":"}]},":":{}}'
    expect(parse(text)).toEqual(JSON.parse(text))
  })

  test('a byte order mark', () => {
    expect(refusal(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"a":1}')]))).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: 'the input is not valid JSON',
    })
  })
})
