import { expect, test } from 'vitest'
import { newId } from '../../base/ids.js'
import type { LoginId } from '../../model/ids.js'
import {
  formatRefreshToken,
  hashRefreshToken,
  isOfChain,
  nextInChain,
  parseRefreshToken,
  startChain,
} from './refresh-token.js'

const loginId = newId<LoginId>()
const { token, chainKey } = startChain(loginId)

test('a token survives being written and read', () => {
  expect(parseRefreshToken(formatRefreshToken(token))).toEqual(token)
})

test('the successor is always the same, and another one', () => {
  const next = nextInChain(token, chainKey)
  expect(nextInChain(token, chainKey)).toEqual(next)
  expect(next.secret).not.toBe(token.secret)
  expect(hashRefreshToken(next)).not.toBe(hashRefreshToken(token))
})

test('every token of a chain is known to be of it, and none of another', () => {
  const next = nextInChain(token, chainKey)
  const other = startChain(loginId)
  for (const each of [token, next]) {
    expect(isOfChain(each, chainKey)).toBe(true)
    expect(isOfChain(each, other.chainKey)).toBe(false)
  }
  expect(isOfChain({ ...next, secret: token.secret }, chainKey)).toBe(false)
})

test('two logins share nothing', () => {
  const other = startChain(loginId)
  expect(other.chainKey).not.toBe(chainKey)
  expect(other.token.secret).not.toBe(token.secret)
})

test('what does not have the form of a token is none', () => {
  const text = formatRefreshToken(token)
  const others = [
    '',
    text.slice(1),
    `${text}x`,
    `${text}\n`,
    text.replace('.', '-'),
    text.toUpperCase(),
    'x'.repeat(1_000_000),
  ]
  for (const other of others) expect(parseRefreshToken(other)).toBeUndefined()
})
