import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { masterKeyProblem, parseMasterKey } from './master-key.js'

const BYTES = randomBytes(32)

describe('a master key', () => {
  test.each([
    ['base64', BYTES.toString('base64')],
    ['base64 without its padding', BYTES.toString('base64').replace('=', '')],
    ['base64url', BYTES.toString('base64url')],
    ['hexadecimal', BYTES.toString('hex')],
    ['hexadecimal in capitals', BYTES.toString('hex').toUpperCase()],
  ])('is 32 bytes as %s', (_, text) => {
    expect(parseMasterKey(text)).toEqual(BYTES)
    expect(masterKeyProblem(text)).toBeNull()
  })

  test.each([
    ['31 bytes', randomBytes(31).toString('base64')],
    ['33 bytes', randomBytes(33).toString('base64')],
    ['31 bytes', randomBytes(31).toString('hex')],
    ['nothing', ''],
    ['a pass phrase', 'correct horse battery staple, and so on and on'],
    ['a space at its end', `${BYTES.toString('base64')} `],
    ['two lines', `${BYTES.toString('base64')}\n${BYTES.toString('base64')}`],
    ['a last character with bits that no byte has', `${'A'.repeat(42)}B`],
  ])('is not %s', (_, text) => {
    expect(parseMasterKey(text)).toBeUndefined()
    expect(masterKeyProblem(text)).toMatch(/^must be exactly 32 random bytes/)
  })

  test.each([
    ['zeros', '00'.repeat(32)],
    ['one letter', Buffer.from('a'.repeat(32)).toString('base64')],
    ['a few letters over and over', Buffer.from('changeme'.repeat(4).slice(0, 32)).toString('hex')],
  ])('is not %s, which anybody can guess', (_, text) => {
    expect(masterKeyProblem(text)).toBe('is not random')
  })
})
