import { describe, expect, test } from 'vitest'
import { newId } from '../../base/ids.js'
import type { ApiTokenId } from '../../model/ids.js'
import { apiTokenFormat } from './api-token-format.js'
import { hashTokenSecret, isTokenSecret, newTokenSecret, SecretTokenFormat } from './secret-token.js'

const formatApiToken = apiTokenFormat.format.bind(apiTokenFormat)
const parseApiToken = apiTokenFormat.parse.bind(apiTokenFormat)

const made = () => ({ id: newId<ApiTokenId>(), secret: newTokenSecret() })

test('what was made is read back, and is one word of 91 characters', () => {
  for (let n = 0; n < 200; n += 1) {
    const token = made()
    const text = formatApiToken(token)
    expect(text).toMatch(/^krn_pat_\w{83}$/)
    expect(parseApiToken(text)).toEqual(token)
  }
})

test('the form stays as it is: whoever has a token keeps it', () => {
  const id = '01932c1e-7c3a-7d1e-9b1f-2a6c5d4e3f02' as ApiTokenId
  const secret = `${'0'.repeat(42)}z`
  const text = `krn_pat_01932c1e7c3a7d1e9b1f2a6c5d4e3f02_${secret}_2CdSRK`
  expect(formatApiToken({ id, secret })).toBe(text)
  expect(parseApiToken(text)).toEqual({ id, secret })
})

describe('A29: not read is', () => {
  test('a good token of another kind', () => {
    const other = new SecretTokenFormat<ApiTokenId>('inv').format(made())
    expect(parseApiToken(other)).toBeUndefined()
  })

  test('a token with any one character changed', () => {
    const text = formatApiToken(made())
    for (let at = 0; at < text.length; at += 1) {
      const other = text[at] === 'a' ? 'b' : 'a'
      expect(parseApiToken(text.slice(0, at) + other + text.slice(at + 1))).toBeUndefined()
    }
  })

  test.each([
    ['nothing', ''],
    ['the prefix alone', 'krn_pat_'],
    ['a refresh token', 'krn_rt_01932c1e7c3a7d1e9b1f2a6c5d4e3f02.x.y'],
    ['something long', `krn_pat_${'a'.repeat(100_000)}`],
    ['NUL', `krn_pat_${'\0'.repeat(83)}`],
  ])('%s', (_name, text) => {
    expect(parseApiToken(text)).toBeUndefined()
  })

  test('a token with something before or after it', () => {
    const text = formatApiToken(made())
    for (const other of [` ${text}`, `${text} `, `${text}\n`, text.slice(1), text.slice(0, -1)]) {
      expect(parseApiToken(other)).toBeUndefined()
    }
  })
})

test('a secret fits its own hash and no other', () => {
  const secret = newTokenSecret()
  expect(isTokenSecret(secret, hashTokenSecret(secret))).toBe(true)
  expect(isTokenSecret(newTokenSecret(), hashTokenSecret(secret))).toBe(false)
})

test('no two secrets are the same', () => {
  expect(new Set(Array.from({ length: 1000 }, newTokenSecret)).size).toBe(1000)
})
