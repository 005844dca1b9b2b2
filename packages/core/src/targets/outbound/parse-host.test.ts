import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KrownError } from '../../errors/krown-error.js'
import { parseHost } from './parse-host.js'

function refusalOf(host: string): KrownError {
  try {
    parseHost(host)
  } catch (error) {
    if (error instanceof KrownError) return error
    throw error
  }
  throw new Error(`${JSON.stringify(host.slice(0, 100))} was taken`)
}

describe('a host that is taken', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['[::ffff:a00:1]', '10.0.0.1'],
  ])('%s is the address %s', (host, address) => {
    expect(parseHost(host)).toEqual({ kind: 'ip', address })
  })

  test.each([
    ['web-1.example.com', 'web-1.example.com'],
    ['WEB.Example.COM', 'web.example.com'],
    ['db_primary.internal', 'db_primary.internal'],
    ['localhost', 'localhost'],
    ['1password.com', '1password.com'],
    ['3.14.example', '3.14.example'],
    ['deadbeef', 'deadbeef'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
    [`${'ab.'.repeat(84)}c`, `${'ab.'.repeat(84)}c`],
  ])('%s is the name %s', (host, name) => {
    expect(parseHost(host)).toEqual({ kind: 'name', name })
  })
})

describe('a host that is refused', () => {
  test.each([
    'a'.repeat(300),
    `${'ab.'.repeat(84)}cd`,
    `${'a'.repeat(64)}.example`,
    '-oProxyCommand=touch /tmp/x',
    '-oProxyCommand',
    'host;id',
    '$(id)',
    '`id`',
    'a host',
    ' host',
    'host ',
    'host\n',
    'host\0',
    'user@host',
    'host:22',
    'host/path',
    'http://host',
    'bücher.example',
    'exаmple.com', // Cyrillic а
    '\u212a8s.example', // Kelvin sign
    'host\u3002example', // ideographic full stop
    '',
    '.',
    'host.',
    '.host',
    'a..b',
    '-host',
    'host-',
    '_srv.example',
    '*.example.com',
    '[host]',
    '[10.0.0.1]',
    '[::1',
    '::1]',
    '[]',
    '10.0.0.0/8',
  ])('E13: %j is no host', (host) => {
    const refusal = refusalOf(host)
    expect(refusal.code).toBe('VALIDATION_FAILED')
    expect(refusal.details?.fields).toEqual([
      { path: 'host', message: 'must be a host name or an IP address' },
    ])
  })

  test.each([
    '0x7f.1',
    '0x7f000001',
    '0X7F.0.0.0X1',
    '127.0.0.0x1',
    '2130706433',
    '017700000001',
    '0177.0.0.1',
    '127.1',
    '127.0.1',
    '127.0.0.1.',
    '127.0.0.01',
    '127.0.0.256',
    '1.2.3.4.5',
    'example.1',
    'example.0x1f',
    'example.0x',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '1::2::3',
    '::ffff:127.1',
  ])('E04: %s, which a resolver may read as an address, is no host', (host) => {
    expect(refusalOf(host).code).toBe('VALIDATION_FAILED')
  })

  test.each(['fe80::1%eth0', '[fe80::1%eth0]', '::1%lo', '2001:db8::1%1'])(
    'E04: the zone of %s is against policy',
    (host) => {
      expect(refusalOf(host).code).toBe('TARGET_POLICY_DENIED')
    },
  )
})

test.each([
  `${'a'.repeat(50_000)}!`,
  `${'a-'.repeat(25_000)}!`,
  `${'a.'.repeat(25_000)}!`,
  `${'a'.repeat(62)}.`.repeat(4).concat('!'),
  `${':'.repeat(50_000)}!`,
  `${'1.'.repeat(125)}x!`,
  `[${'['.repeat(50_000)}`,
])('C17: a host made to keep a regular expression busy is refused (row %#)', (host) => {
  expect(refusalOf(host).code).toBe('VALIDATION_FAILED')
})

test('whatever is taken has one spelling, and only characters that every tool takes literally', () => {
  const anyHost = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'aZ09.-_:[]%x①') }),
    fc.domain(),
    fc.ipV4Extended(),
    fc.ipV6(),
  )
  fc.assert(
    fc.property(anyHost, (host) => {
      try {
        const parsed = parseHost(host)
        const spelling = parsed.kind === 'ip' ? parsed.address : parsed.name
        return (
          /^[a-z0-9.:_-]+$/.test(spelling) &&
          !spelling.startsWith('-') &&
          Object.is(parseHost(spelling).kind, parsed.kind)
        )
      } catch (error) {
        return error instanceof KrownError
      }
    }),
    { numRuns: 2_000 },
  )
})
