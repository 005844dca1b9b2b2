import { expect, test } from 'vitest'
import { isCommonPassword } from './common-passwords.js'
import { findPasswordProblem } from './password-policy.js'

const problem = (password: string, username = 'ada', minLength = 12) =>
  findPasswordProblem(password, { username, minLength })

test.each([
  ['words', 'four words make one'],
  ['no composition rules', 'onlylowercaseletters'],
  ['spaces at the ends', '  padded password  '],
  ['twelve characters', 'k7Qp2mXw9sLd'],
  ['256 characters', `${'k7Qp2mXw'.repeat(31)}abcdefgh`],
  ['characters beyond the first plane', '🗝️ opens every door'],
  ['256 times one character', 'x'.repeat(256)],
])('%s are good enough', (_, password) => {
  expect(problem(password)).toBeUndefined()
})

test.each([
  ['too short', 'k7Qp2mXw9sL', /at least 12/],
  ['counted in characters, not in code units', '🗝'.repeat(6), /at least 12/],
  ['too long', 'k7Qp2mXw'.repeat(33), /at most 256/],
  ['NUL', 'k7Qp2mXw\0sLdkk', /NUL/],
  ['half a character', 'k7Qp2mXw9sLd\ud800', /Unicode/],
  ['A26: common', 'password1234', /common/],
  ['A26: common in another case', 'PassWord1234', /common/],
  ['A26: one character', 'aaaaaaaaaaaa', /repetition/],
  ['A26: a short unit again and again', 'xyxyxyxyxyxyx', /repetition/],
  ['A26: digits upwards', '345678901234', /sequence/],
  ['A26: digits downwards', '876543210987', /sequence/],
  ['A26: letters upwards', 'cdefghijklmn', /sequence/],
])('%s is refused', (_, password, message) => {
  expect(problem(password)).toMatch(message)
})

test('A26: the user name is no password, in any case', () => {
  expect(problem('Ada.Lovelace', 'ada.lovelace')).toMatch(/user name/)
  expect(problem('Ada.Lovelace', 'ada')).toBeUndefined()
})

test('a lower minimum still refuses the common ones', () => {
  expect(problem('passw0rd', 'ada', 8)).toMatch(/common/)
  expect(problem('k7Qp2mXw', 'ada', 8)).toBeUndefined()
})

test('the list has no holes at its ends', () => {
  for (const password of ['password1234', 'ZXCVBNMASDFG', '!@#$%^&*()_+']) {
    expect(isCommonPassword(password)).toBe(true)
  }
  for (const none of ['', ' ', '\n', 'password1234 password12345']) expect(isCommonPassword(none)).toBe(false)
})
