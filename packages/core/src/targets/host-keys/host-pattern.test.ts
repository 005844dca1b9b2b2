import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { compileHostPattern, hashName, knownHostsName, readHashed } from './host-pattern.js'

describe('the name of a host in a file', () => {
  test.each([
    ['Web1.Example.com', 22, 'web1.example.com'],
    ['web1', 2222, '[web1]:2222'],
    ['2001:db8::1', 22, '2001:db8::1'],
    ['2001:db8::1', 2222, '[2001:db8::1]:2222'],
  ])('%s and %i is %s', (host, port, name) => {
    expect(knownHostsName(host, port)).toBe(name)
  })
})

describe('a host field', () => {
  test.each([
    ['web1', 'web1', true],
    ['WEB1', 'web1', true],
    ['web1', 'web12', false],
    ['web1,web2', 'web2', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['web?', 'web1', true],
    ['web?', 'web', false],
    ['*', '[web1]:2222', true],
    ['web1', '[web1]:2222', false],
    ['[web1]:2222', '[web1]:2222', true],
    ['[*.example.com]:2222', '[db.example.com]:2222', true],
    ['[web1]:22', 'web1', false],
    // A negation refuses, wherever it stands, and alone names nobody.
    ['*.example.com,!db.example.com', 'db.example.com', false],
    ['!db.example.com,*.example.com', 'db.example.com', false],
    ['*.example.com,!db.example.com', 'web.example.com', true],
    ['!db.example.com', 'web.example.com', false],
    ['', 'web1', false],
    [',', 'web1', false],
    ['!', 'web1', false],
    // What are wildcards elsewhere are letters here.
    ['web[12]', 'web1', false],
    ['web.', 'web1', false],
  ])('%j of %j: %j', (field, name, matches) => {
    expect(compileHostPattern(field)(name)).toBe(matches)
  })

  test('that is hashed means the one name of its hash', () => {
    const salt = randomBytes(20)
    const field = `|1|${salt.toString('base64')}|${hashName(salt, '[web1]:2222').toString('base64')}`
    expect(compileHostPattern(field)('[web1]:2222')).toBe(true)
    expect(compileHostPattern(field)('web1')).toBe(false)
    expect(readHashed(field)?.salt).toEqual(salt)
  })

  test.each(['|1|', '|1||', '|1|AAAA|AAAA', '|2|AAAA|AAAA', `|1|${'A'.repeat(28)}`])(
    'that is hashed and damaged, %j, means nobody',
    (field) => {
      expect(readHashed(field)).toBeUndefined()
      expect(compileHostPattern(field)('web1')).toBe(false)
    },
  )

  test('of many stars is decided in as many steps as it has letters times those of the name', () => {
    const field = `${'*a'.repeat(130)}b`
    expect(compileHostPattern(field)('a'.repeat(253))).toBe(false)
    expect(compileHostPattern(`${'*'.repeat(1_000)}b`)('a'.repeat(253))).toBe(false)
    expect(compileHostPattern('a'.repeat(1_024))('a'.repeat(253))).toBe(false)
  })
})
