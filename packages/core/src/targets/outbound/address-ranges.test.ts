import { describe, expect, test } from 'vitest'
import { parseIpAddress } from '../../config/ip-address.js'
import { interfaceAddresses, isLoopback, isNeverReachable } from './address-ranges.js'
import { embeddedIpv4 } from './address-ranges-embedded.js'

const bytes = (address: string) => parseIpAddress(address)?.bytes ?? []
const embedded = (address: string) => embeddedIpv4(bytes(address)).map((found) => found.join('.'))

test.each([
  '0.0.0.0',
  '0.255.255.255',
  '169.254.0.0',
  '169.254.169.254',
  '169.254.255.255',
  '168.63.129.16',
  '192.0.0.192',
  '100.100.100.200',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::2',
  '::10.0.0.1',
  'fe80::1',
  'febf::1',
  'ff02::1',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
])('E03: %s is never reachable', (address) => {
  expect(isNeverReachable(bytes(address))).toBe(true)
})

test.each([
  '1.0.0.0',
  '10.0.0.1',
  '100.100.100.201',
  '169.253.255.255',
  '192.168.1.1',
  '223.255.255.255',
  'fd00::1',
  '2001:db8::1',
  '127.0.0.1',
  '::1',
])('%s may be reachable', (address) => {
  expect(isNeverReachable(bytes(address))).toBe(false)
})

test.each(['127.0.0.1', '127.255.255.255', '::1', '::ffff:127.0.0.1'])('%s is loopback', (address) => {
  expect(isLoopback(bytes(address))).toBe(true)
})

test.each(['126.255.255.255', '128.0.0.0', '::2', '::'])('%s is not loopback', (address) => {
  expect(isLoopback(bytes(address))).toBe(false)
})

describe('E04: IPv4 inside IPv6', () => {
  test.each([
    ['translated', '::ffff:0:127.0.0.1', ['127.0.0.1']],
    ['NAT64', '64:ff9b::7f00:1', ['127.0.0.1']],
    ['NAT64 for local use, /96', '64:ff9b:1::7f00:1', ['127.0.0.1']],
    ['6to4', '2002:7f00:1::', ['127.0.0.1']],
    ['Teredo', '2001:0:a00:1:0:0:80ff:fffe', ['10.0.0.1', '127.0.0.1']],
    ['ISATAP', '2001:db8::5efe:127.0.0.1', ['127.0.0.1']],
    ['ISATAP with a unique address', '2001:db8::200:5efe:127.0.0.1', ['127.0.0.1']],
  ])('%s: %s', (_form, address, expected) => {
    expect(embedded(address)).toEqual(expected)
  })

  test.each([
    ['/48', '64:ff9b:1:a01:2:300::'],
    ['/56', '64:ff9b:1:a:1:203::'],
    ['/64', '64:ff9b:1:0:a:102:300:0'],
    ['/96', '64:ff9b:1::a01:203'],
  ])('NAT64 for local use with a prefix of %s: %s', (_prefix, address) => {
    expect(embedded(address)).toContain('10.1.2.3')
  })

  test('an address that holds none gives none', () => {
    expect(['2001:db8::1', '10.0.0.1', '2003::1', '64:ff9b:2::1', 'fd00::5efe:1'].flatMap(embedded)).toEqual(
      [],
    )
  })
})

test('the addresses of this machine are read without their zones', () => {
  const addresses = interfaceAddresses()
  expect(addresses).toContain('127.0.0.1')
  expect(addresses.filter((address) => parseIpAddress(address) === undefined)).toEqual([])
})
