import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { networkContains, parseIpAddress, parseIpNetwork } from './ip-address.js'
import { parseNetworkRule } from './network-rule.js'

describe('an entry of allow or deny', () => {
  test.each([
    ['10.0.0.0/8', { kind: 'network', network: { bytes: [10, 0, 0, 0], prefixLength: 8 }, port: null }],
    [
      '127.0.0.1:40022',
      { kind: 'network', network: { bytes: [127, 0, 0, 1], prefixLength: 32 }, port: 40_022 },
    ],
    ['10.0.0.0/8:2222', { kind: 'network', network: { bytes: [10, 0, 0, 0], prefixLength: 8 }, port: 2_222 }],
    ['Host.Example.com', { kind: 'name', name: 'host.example.com', port: null }],
    ['host.example.com:2222', { kind: 'name', name: 'host.example.com', port: 2_222 }],
    ['*.example.com', { kind: 'suffix', suffix: '.example.com', port: null }],
    ['*.example.com:22', { kind: 'suffix', suffix: '.example.com', port: 22 }],
  ])('%s is understood', (text, rule) => {
    expect(parseNetworkRule(text)).toEqual(rule)
  })

  test.each([
    ['::1', 128, null],
    ['[::1]', 128, null],
    ['[::1]:22', 128, 22],
    ['2001:db8::/32', 32, null],
    ['[2001:DB8::/32]:22', 32, 22],
  ])('IPv6 %s has a prefix of %d bits and port %s', (text, prefixLength, port) => {
    expect(parseNetworkRule(text)).toMatchObject({ kind: 'network', network: { prefixLength }, port })
  })

  test.each([
    '',
    '*',
    '*.',
    '*.*.example.com',
    'a.*.example.com',
    '*example.com',
    'host:0',
    'host:65536',
    'host:port',
    'host:',
    ':22',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/',
    '127.1',
    '0x7f.1',
    '2130706433',
    '[127.0.0.1]:22',
    '[::1',
    '::1]:22',
    '[::1]:0',
    'fe80::1%eth0',
    'host/24',
    'a b',
    'example.com.',
    '\u212a.example.com',
  ])('%j is refused', (text) => {
    expect(parseNetworkRule(text)).toBeUndefined()
  })
})

describe('a network', () => {
  const contains = (network: string, address: string) => {
    const parsed = parseIpNetwork(network)
    return parsed !== undefined && networkContains(parsed, parseIpAddress(address)?.bytes ?? [])
  }

  test.each([
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['192.168.4.0/22', '192.168.7.255', true],
    ['192.168.4.0/22', '192.168.8.0', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '203.0.113.9', false],
    ['fe80::/10', 'febf::1', true],
    ['fe80::/10', 'fec0::1', false],
    ['203.0.113.9', '203.0.113.9', true],
    ['203.0.113.9', '203.0.113.8', false],
  ])('%s holds %s: %s', (network, address, expected) => {
    expect(contains(network, address)).toBe(expected)
  })
})

test('an address has one spelling, and an IPv4-mapped one is the IPv4 address', () => {
  expect(parseIpAddress('2001:DB8:0:0:0:0:0:1')?.text).toBe('2001:db8::1')
  expect(parseIpAddress('::ffff:10.0.0.1')?.text).toBe('10.0.0.1')
  expect(parseIpAddress('::FFFF:0a00:0001')?.text).toBe('10.0.0.1')
  expect(parseIpAddress('::10.0.0.1')?.text).toBe('::a00:1')
  expect(parseIpAddress('64:ff9b::10.0.0.1')?.text).toBe('64:ff9b::a00:1')
})

test('an IPv6 address and its spelling are the same bytes', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const parsed = parseIpAddress(address)
      expect(parseIpAddress(parsed?.text ?? '')).toEqual(parsed)
    }),
  )
})
