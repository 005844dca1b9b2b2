import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KrownError } from '../../errors/krown-error.js'
import { createOutboundPolicy, type OutboundPolicyOptions } from './outbound-policy.js'

const DEFAULTS: OutboundPolicyOptions = {
  allow: [],
  deny: [],
  allowLoopback: false,
  allowAdhocHosts: true,
  adhocPorts: [22, 2222],
  ownAddresses: () => ['127.0.0.1', '::1', '192.168.7.5', '2001:db8:7::5'],
  protectedEndpoints: () => [
    { host: '192.168.7.5', port: 8080 },
    { host: 'db.example.com', port: 5432, addresses: ['10.9.9.9'] },
  ],
}

const policyWith = (options: Partial<OutboundPolicyOptions> = {}) =>
  createOutboundPolicy({ ...DEFAULTS, ...options })

/** The refusal of an inventory target, or null when both checks pass. */
function refusalOf(
  host: string,
  options: Partial<OutboundPolicyOptions & { port: number; addresses: string[]; adhoc: boolean }> = {},
): KrownError | null {
  const { port = 22, addresses, adhoc = false, ...settings } = options
  try {
    const policy = policyWith(settings)
    policy.checkRequest(host, port, { adhoc })
    policy.checkAddresses({ host, port, addresses: addresses ?? [host.replace(/^\[(.*)\]$/, '$1')] })
    return null
  } catch (error) {
    if (error instanceof KrownError) return error
    throw error
  }
}

const refusedBy = (host: string, options: Parameters<typeof refusalOf>[1] = {}) => {
  const refusal = refusalOf(host, options)
  if (refusal !== null) expect(refusal.code).toBe('TARGET_POLICY_DENIED')
  return refusal === null ? null : (refusal.details?.setting ?? 'nothing can change it')
}

const FOR_GOOD = 'nothing can change it'
const LOOPBACK = 'ssh.outbound.allow_loopback'

describe('the machine that Krown runs on', () => {
  test.each([
    ['127.0.0.1', LOOPBACK],
    ['127.9.9.9', LOOPBACK],
    ['::1', LOOPBACK],
    ['[::1]', LOOPBACK],
    ['0.0.0.0', FOR_GOOD],
    ['::', FOR_GOOD],
  ])('E01: %s is refused (%s)', (host, setting) => {
    expect(refusedBy(host)).toBe(setting)
  })

  test.each([
    'localhost',
    'LOCALHOST',
    'db.localhost',
    'localhost.localdomain',
    'localhost6',
    'ip6-localhost',
    'ip6-loopback',
  ])('E01: %s is refused before anything is resolved', (host) => {
    expect(() => policyWith().checkRequest(host, 22, { adhoc: false })).toThrowError(/allow_loopback/)
  })

  test('E01: a name that stands for it is refused, even if only one of its addresses is', () => {
    expect(refusedBy('rebind.example.com', { addresses: ['203.0.113.9', '127.0.0.1'] })).toBe(LOOPBACK)
  })

  test.each(['192.168.7.5', '2001:db8:7::5', '2001:DB8:7:0::5'])(
    "E08: the gateway's own address %s is refused",
    (host) => {
      expect(refusedBy(host)).toBe(LOOPBACK)
    },
  )

  test('E08: an address that the machine gets later is its own from then on', () => {
    const own = ['127.0.0.1']
    const policy = policyWith({ ownAddresses: () => own })
    policy.checkRequest('10.1.1.1', 22, { adhoc: false })
    own.push('10.1.1.1')
    expect(() => policy.checkRequest('10.1.1.1', 22, { adhoc: false })).toThrowError(/allow_loopback/)
  })

  test.each(['127.0.0.1', '::1', '192.168.7.5'])('%s is allowed with allow_loopback', (host) => {
    expect(refusedBy(host, { allowLoopback: true })).toBeNull()
  })

  test('the name localhost is allowed with allow_loopback', () => {
    expect(refusedBy('localhost', { allowLoopback: true, addresses: ['127.0.0.1', '::1'] })).toBeNull()
  })

  test('an entry with the exact address and port allows it, there only', () => {
    const allow = ['127.0.0.1:40022']
    expect(refusedBy('127.0.0.1', { allow, port: 40_022 })).toBeNull()
    expect(refusedBy('127.0.0.1', { allow, port: 22 })).toBe(LOOPBACK)
    expect(refusedBy('127.0.0.2', { allow, port: 40_022 })).toBe(LOOPBACK)
    expect(refusedBy('::1', { allow, port: 40_022 })).toBe(LOOPBACK)
    expect(refusedBy('target.example.com', { allow, port: 40_022, addresses: ['127.0.0.1'] })).toBeNull()
  })

  test.each([
    ['127.0.0.1'],
    ['127.0.0.0/8:22'],
    ['0.0.0.0/0'],
    ['target.example.com:22'],
    ['*.example.com:22'],
  ])('the entry %s is not exact, and does not allow it', (entry) => {
    expect(refusedBy('target.example.com', { allow: [entry], addresses: ['127.0.0.1'] })).toBe(LOOPBACK)
  })

  test('deny wins over allow_loopback and over an exact entry', () => {
    const deny = ['127.0.0.0/8']
    expect(refusedBy('127.0.0.1', { allowLoopback: true, deny })).toBe('ssh.outbound.deny')
    expect(refusedBy('127.0.0.1', { allow: ['127.0.0.1:22'], deny })).toBe('ssh.outbound.deny')
  })
})

describe('the advice of a refusal', () => {
  test.each([
    ['127.0.0.1', 22, false],
    ['build.example.com', 2022, true],
  ])('for %s:%i warns that the first entry of allow shuts out the rest', (host, port, adhoc) => {
    const message = (allow: string[]) => refusalOf(host, { port, adhoc, allow })?.message
    expect(message([])).toContain('ssh.outbound.allow (which then must list every other target, too)')
    expect(message(['*.example.com'])).toMatch(/ssh\.outbound\.allow$/)
  })
})

describe('what no setting allows', () => {
  const EVERYTHING: Partial<OutboundPolicyOptions> = {
    allow: [
      '0.0.0.0/0',
      '::/0',
      '*.internal',
      'metadata.google.internal',
      '169.254.169.254:22',
      '[fd00:ec2::254]:22',
    ],
    allowLoopback: true,
    adhocPorts: [],
  }

  test.each([
    '169.254.169.254',
    'fd00:ec2::254',
    '100.100.100.200',
    '168.63.129.16',
    'fe80::1',
    'ff02::1',
    '255.255.255.255',
  ])('E03: %s is refused for good', (host) => {
    expect(refusedBy(host, EVERYTHING)).toBe(FOR_GOOD)
  })

  test.each(['metadata.google.internal', 'Metadata.Google.Internal', 'metadata.goog', 'instance-data'])(
    'E03: %s is refused for good, before anything is resolved',
    (host) => {
      expect(() => policyWith(EVERYTHING).checkRequest(host, 22, { adhoc: false })).toThrowError(
        'never allowed',
      )
    },
  )

  test('E03: a name that stands for a metadata address is refused for good', () => {
    expect(refusedBy('cloud.example.com', { ...EVERYTHING, addresses: ['169.254.169.254'] })).toBe(FOR_GOOD)
  })

  test.each([
    ['192.168.7.5', 8080],
    ['127.0.0.1', 8080],
    ['::1', 8080],
    ['2001:db8:7::5', 8080],
    ['10.9.9.9', 5432],
  ])("E08: Krown's own endpoint %s:%d is refused for good", (host, port) => {
    expect(refusedBy(host, { ...EVERYTHING, port })).toBe(FOR_GOOD)
  })

  test('E08: the database is refused by its name and by any other', () => {
    const port = 5432
    expect(() => policyWith(EVERYTHING).checkRequest('DB.example.com', port, { adhoc: false })).toThrowError(
      'never allowed',
    )
    expect(refusedBy('alias.internal', { ...EVERYTHING, port, addresses: ['10.9.9.9'] })).toBe(FOR_GOOD)
    expect(refusedBy('10.9.9.9', { ...EVERYTHING, port: 22 })).toBeNull()
  })

  test('E08: a wildcard listener is met at every address of the machine, and nowhere else', () => {
    const protectedEndpoints = () => [{ host: '0.0.0.0', port: 9_000 }]
    const settings = { ...EVERYTHING, protectedEndpoints, port: 9_000 }
    expect(['127.0.0.1', '192.168.7.5', '::1'].map((host) => refusedBy(host, settings))).toEqual([
      FOR_GOOD,
      FOR_GOOD,
      FOR_GOOD,
    ])
    expect(refusedBy('10.0.0.1', settings)).toBeNull()
  })

  test.each([0, -1, 65_536, 22.5, Number.NaN])('port %d is refused', (port) => {
    expect(refusedBy('10.0.0.1', { ...EVERYTHING, port })).toBe(FOR_GOOD)
  })

  test.each(['not an address', '', 'fe80::1%eth0', '0x7f.1'])(
    'E04: %j as a resolved address is refused',
    (address) => {
      expect(refusedBy('target.example.com', { ...EVERYTHING, addresses: [address] })).toBe(FOR_GOOD)
    },
  )
})

describe('allow and deny', () => {
  test('without entries private and public addresses are allowed', () => {
    expect(
      ['10.0.0.1', '172.16.0.1', '192.168.1.1', 'fd12::1', '203.0.113.9', '2001:db8::1'].map((host) =>
        refusedBy(host),
      ),
    ).toEqual(Array(6).fill(null))
  })

  test.each([
    ['10.0.0.0/8', '10.1.2.3', null],
    ['10.0.0.0/8', '11.1.2.3', 'ssh.outbound.allow'],
    ['10.0.0.0/8:22', '10.1.2.3', null],
    ['10.0.0.0/8:2222', '10.1.2.3', 'ssh.outbound.allow'],
    ['[2001:db8::/32]:22', '2001:db8::1', null],
    ['[2001:db8::/32]:22', '2001:db9::1', 'ssh.outbound.allow'],
    ['10.0.0.0/8', '::ffff:10.1.2.3', null],
  ])('allow = [%j] and %s port 22: %s', (entry, host, setting) => {
    expect(refusedBy(host, { allow: [entry] })).toBe(setting)
  })

  test.each([
    ['web.example.com', 'web.example.com', null],
    ['web.example.com', 'WEB.example.com', null],
    ['web.example.com', 'x.web.example.com', 'ssh.outbound.allow'],
    ['*.example.com', 'web.example.com', null],
    ['*.example.com', 'a.b.example.com', null],
    ['*.example.com', 'example.com', 'ssh.outbound.allow'],
    ['*.example.com', 'badexample.com', 'ssh.outbound.allow'],
  ])('allow = [%j] and the name %s: %s', (entry, host, setting) => {
    expect(refusedBy(host, { allow: [entry], addresses: ['10.0.0.1'] })).toBe(setting)
  })

  test('a name that allow does not have is refused before anything is resolved, if only names are listed', () => {
    const onlyNames = policyWith({ allow: ['*.example.com'] })
    expect(() => onlyNames.checkRequest('web.example.org', 22, { adhoc: false })).toThrowError(
      'ssh.outbound.allow',
    )
    expect(() =>
      policyWith({ allow: ['*.example.com', '10.0.0.0/8'] }).checkRequest('web.example.org', 22, {
        adhoc: false,
      }),
    ).not.toThrow()
  })

  test('every address of a name must be allowed', () => {
    expect(refusedBy('a.example.com', { allow: ['10.0.0.0/8'], addresses: ['10.0.0.1', '11.0.0.1'] })).toBe(
      'ssh.outbound.allow',
    )
    expect(
      refusedBy('a.example.com', { allow: ['10.0.0.0/8'], addresses: ['10.0.0.1', '10.0.0.2'] }),
    ).toBeNull()
  })

  test('deny wins over allow, for names and addresses', () => {
    const allow = ['*.example.com', '10.0.0.0/8']
    expect(refusedBy('10.0.0.9', { allow, deny: ['10.0.0.9'] })).toBe('ssh.outbound.deny')
    expect(refusedBy('web.example.com', { allow, deny: ['web.example.com'], addresses: ['10.0.0.1'] })).toBe(
      'ssh.outbound.deny',
    )
    expect(refusedBy('web.example.com', { allow, deny: ['10.0.0.0/24'], addresses: ['10.0.0.1'] })).toBe(
      'ssh.outbound.deny',
    )
    expect(
      refusedBy('web.example.com', { allow, deny: ['web.example.com:2222'], addresses: ['10.0.0.1'] }),
    ).toBeNull()
  })

  test('a name without any address is unreachable', () => {
    expect(refusalOf('web.example.com', { addresses: [] })?.code).toBe('TARGET_UNREACHABLE')
  })

  test('an entry that cannot be read is refused with its place', () => {
    expect(() => policyWith({ allow: ['10.0.0.0/8', 'what?'] })).toThrowError(
      expect.objectContaining({
        code: 'VALIDATION_FAILED',
        details: { fields: [{ path: 'ssh.outbound.allow[1]', message: expect.any(String) }] },
      }),
    )
  })
})

describe('ports of hosts that are not in the inventory', () => {
  const adhoc = true
  const PORTS = 'ssh.outbound.adhoc_ports'

  test.each([25, 5432, 6379, 4222, 2200])('E09: port %d is refused', (port) => {
    expect(refusedBy('10.0.0.1', { adhoc, port })).toBe(PORTS)
    expect(refusedBy('10.0.0.1', { adhoc: false, port })).toBeNull()
  })

  test('those in adhoc_ports are open, and all are when it is empty', () => {
    expect(refusedBy('10.0.0.1', { adhoc, port: 2222 })).toBeNull()
    expect(refusedBy('10.0.0.1', { adhoc, port: 2200, adhocPorts: [] })).toBeNull()
  })

  test('an entry of allow with a port opens it for its host', () => {
    expect(refusedBy('127.0.0.1', { adhoc, port: 40_022, allow: ['127.0.0.1:40022'] })).toBeNull()
    expect(refusedBy('10.0.0.1', { adhoc, port: 2200, allow: ['10.0.0.0/8:2200'] })).toBeNull()
    expect(refusedBy('10.0.0.1', { adhoc, port: 2200, allow: ['10.0.0.0/8', '10.0.0.2:2200'] })).toBe(PORTS)
    expect(
      refusedBy('a.example.com', {
        adhoc,
        port: 2200,
        allow: ['*.example.com:2200'],
        addresses: ['10.0.0.1'],
      }),
    ).toBeNull()
  })

  test('an entry for an address does not open its port for a name, which may stand for another address', () => {
    const allow = ['10.0.0.0/8', '10.0.0.1:2200']
    expect(refusedBy('a.example.com', { adhoc, port: 2200, allow, addresses: ['10.0.0.2'] })).toBe(PORTS)
  })
})

describe('E04: IPv4 inside IPv6', () => {
  test.each([
    ['::ffff:127.0.0.1', LOOPBACK],
    ['::127.0.0.1', FOR_GOOD],
    ['64:ff9b::7f00:1', LOOPBACK],
    ['64:ff9b:1::7f00:1', LOOPBACK],
    ['2002:7f00:1::', LOOPBACK],
    ['::ffff:169.254.169.254', FOR_GOOD],
    ['64:ff9b::a9fe:a9fe', FOR_GOOD],
    ['2002:a9fe:a9fe::1', FOR_GOOD],
  ])('%s is refused, as a host and as a resolved address', (host, setting) => {
    expect(refusedBy(host)).toBe(setting)
    expect(refusedBy('target.example.com', { addresses: [host] })).toBe(setting)
  })

  test('a zone is refused', () => {
    expect(refusedBy('fe80::1%eth0')).toBe(FOR_GOOD)
  })

  const quad = (bytes: readonly number[]) => bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const colons = (hex: string) => hex.match(/.{4}/g)?.join(':') ?? ''
  const fill = (prefix: string, rest: string) => colons(prefix + rest)
  const flipped = (bytes: readonly number[]) => bytes.map((byte) => byte ^ 0xff)

  /** Every form; `noise` fills what the form leaves free. */
  const forms: Record<string, (v4: readonly number[], noise: string) => string> = {
    mapped: (v4) => fill('00000000000000000000ffff', quad(v4)),
    compatible: (v4) => fill('000000000000000000000000', quad(v4)),
    translated: (v4) => fill('0000000000000000ffff0000', quad(v4)),
    nat64: (v4) => fill('0064ff9b0000000000000000', quad(v4)),
    nat64Local48: (v4, noise) =>
      fill('0064ff9b0001', `${quad(v4.slice(0, 2))}00${quad(v4.slice(2))}${noise.slice(0, 10)}`),
    nat64Local56: (v4) => fill('0064ff9b000100', `${quad(v4.slice(0, 1))}00${quad(v4.slice(1))}00000000`),
    nat64Local64: (v4) => fill('0064ff9b00010000', `00${quad(v4)}000000`),
    nat64Local96: (v4) => fill('0064ff9b0001000000000000', quad(v4)),
    sixToFour: (v4, noise) => fill(`2002${quad(v4)}`, noise.slice(0, 20)),
    teredoServer: (v4, noise) => fill(`20010000${quad(v4)}`, noise.slice(0, 16)),
    teredoClient: (v4, noise) => fill(`20010000${noise.slice(0, 16)}`, quad(flipped(v4))),
    isatap: (v4, noise) => fill(`2001${noise.slice(0, 12)}00005efe`, quad(v4)),
    isatapUnique: (v4, noise) => fill(`fd00${noise.slice(0, 12)}02005efe`, quad(v4)),
  }

  const byte = fc.nat({ max: 255 })
  const noise = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 20, maxLength: 20 })
  const deniedIpv4 = fc.oneof(
    fc.tuple(fc.constant(127), byte, byte, byte),
    fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
    fc.tuple(fc.constant(10), byte, byte, byte),
    fc.tuple(fc.integer({ min: 224, max: 255 }), byte, byte, byte),
    fc.constantFrom([100, 100, 100, 200], [192, 168, 7, 5]),
  )

  test.each(Object.keys(forms))('no denied address passes in the %s form', (name) => {
    const policy = policyWith({ deny: ['10.0.0.0/8'], adhocPorts: [] })
    fc.assert(
      fc.property(deniedIpv4, noise, (v4, free) => {
        const address = forms[name]?.(v4, free) ?? ''
        const check = () =>
          policy.checkAddresses({ host: 'target.example.com', port: 22, addresses: [address] })
        expect(check).toThrowError(expect.objectContaining({ code: 'TARGET_POLICY_DENIED' }))
      }),
      { numRuns: 300 },
    )
  })

  test.each(Object.keys(forms).filter((name) => name !== 'compatible'))(
    'a public address passes in the %s form',
    (name) => {
      const address = forms[name]?.([93, 184, 216, 34], '5db8d8225db8d8225db8') ?? ''
      expect(refusedBy('target.example.com', { addresses: [address] })).toBeNull()
    },
  )
})

describe('E10: behind a jump host, which resolves names itself', () => {
  const refusal = (host: string, options: Partial<OutboundPolicyOptions> = {}) => {
    try {
      policyWith(options).checkForward(host, 22)
      return null
    } catch (error) {
      return error instanceof KrownError ? error.code : error
    }
  }

  test('a name is good only where the names that are allowed have it', () => {
    expect(refusal('inner.example.com')).toBeNull()
    expect(refusal('inner.example.com', { allow: ['10.0.0.0/8'] })).toBe('TARGET_POLICY_DENIED')
    expect(refusal('inner.example.com', { allow: ['10.0.0.0/8', '*.example.com'] })).toBeNull()
    expect(refusal('inner.example.com', { deny: ['*.example.com'] })).toBe('TARGET_POLICY_DENIED')
    expect(refusal('localhost')).toBe('TARGET_POLICY_DENIED')
  })

  test('an address is judged as everywhere', () => {
    expect(refusal('10.1.2.3', { allow: ['10.0.0.0/8'] })).toBeNull()
    expect(refusal('192.0.2.1', { allow: ['10.0.0.0/8'] })).toBe('TARGET_POLICY_DENIED')
    expect(refusal('169.254.169.254')).toBe('TARGET_POLICY_DENIED')
    expect(refusal('127.0.0.1')).toBe('TARGET_POLICY_DENIED')
  })
})

test('E12: no refusal tells the address that a name stands for', () => {
  const addresses = ['10.77.66.55']
  const settings: Partial<OutboundPolicyOptions>[] = [
    { deny: ['10.0.0.0/8'] },
    { allow: ['11.0.0.0/8'] },
    { ownAddresses: () => addresses },
    { protectedEndpoints: () => [{ host: '10.77.66.55', port: 22 }] },
  ]
  for (const options of settings) {
    const refusal = refusalOf('target.example.com', { ...options, addresses })
    expect(refusal?.code).toBe('TARGET_POLICY_DENIED')
    expect(JSON.stringify([refusal?.message, refusal?.details])).not.toContain('10.77')
  }
})

test.each(['localhost', 'a.localhost', 'ip6-localhost'])(
  "E04: behind a jump host, which may be this machine, %s does not lead to Krown's own ports",
  (name) => {
    const policy = policyWith({
      allowLoopback: true,
      protectedEndpoints: () => [{ host: '0.0.0.0', port: 7770 }],
    })
    expect(() => policy.checkForward(name, 7770)).toThrow(/Krown's own ports/)
    expect(() => policy.checkForward(name, 22)).not.toThrow()
  },
)
