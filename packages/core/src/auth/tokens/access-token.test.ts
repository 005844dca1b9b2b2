import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { FakeClock } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { newId } from '../../base/ids.js'
import { isKrownError } from '../../errors/krown-error.js'
import type { LoginId, OrgId, UserId } from '../../model/ids.js'
import { type AccessClaims, type AccessTokenSettings, AccessTokens } from './access-token.js'

const SECRET = 'the-secret-of-this-test-0123456789'
const clock = new FakeClock()
const NOW = clock.now() / 1_000

const claims: AccessClaims = {
  userId: newId<UserId>(),
  orgId: newId<OrgId>(),
  loginId: newId<LoginId>(),
  tokenVersion: 3,
}

function createTokens(settings: Partial<AccessTokenSettings> = {}, at = clock): AccessTokens {
  const defaults = { jwtSecret: SECRET, previousJwtSecrets: [], accessTokenTtl: 600_000 }
  return new AccessTokens({ clock: at, newId, settings: { ...defaults, ...settings } })
}

const tokens = createTokens()
const good = await tokens.issue(claims)

function decode(token: string): { header: Record<string, unknown>; payload: Record<string, unknown> } {
  const [header = '', payload = ''] = token.split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { header: read(header), payload: read(payload) }
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token with changed header or payload, signed with our own secret unless `signature` says otherwise. */
function forge(
  changes: { header?: Record<string, unknown>; payload?: Record<string, unknown> },
  signature?: (input: string) => string,
): string {
  const { header, payload } = decode(good)
  const input = `${encode({ ...header, ...changes.header })}.${encode({ ...payload, ...changes.payload })}`
  return `${input}.${signature ? signature(input) : hs256(input, SECRET)}`
}

const hs256 = (input: string, secret: string) =>
  createHmac('sha256', secret).update(input).digest('base64url')

/** Everything that a caller can see of a refusal. */
async function refusal(token: string, verifier = tokens): Promise<string> {
  const error = await verifier.verify(token).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isKrownError(error)) return 'accepted'
  return JSON.stringify([error.code, error.message, error.details, error.retryAfterMs])
}

const REFUSED = JSON.stringify(['UNAUTHENTICATED', 'sign in again', undefined, undefined])

describe('a token that is ours', () => {
  test('says who it stands for and until when', async () => {
    expect(await tokens.verify(good)).toEqual({ ...claims, expiresAt: (NOW + 600) * 1_000 })
    expect(tokens.lifeS).toBe(600)
  })

  test('has exactly the header alg, typ and kid, and no role', () => {
    const { header, payload } = decode(good)
    expect(header).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: expect.stringMatching(/^[0-9a-f]{8}$/) })
    expect(Object.keys(payload).sort()).toEqual(
      ['aud', 'exp', 'iat', 'iss', 'jti', 'nbf', 'org', 'sid', 'sub', 'tv'].sort(),
    )
    expect(payload).toMatchObject({ iss: 'krown', aud: 'krown-api', tv: 3 })
  })

  test('A06: is good for as long as it lives and five seconds of leeway', async () => {
    const later = new FakeClock()
    const verifier = createTokens({}, later)
    later.advance(604_000)
    expect(await refusal(good, verifier)).toBe('accepted')
    later.advance(1_000)
    expect(await refusal(good, verifier)).toBe(REFUSED)
  })

  test('A10: may carry claims that mean nothing', async () => {
    expect(await tokens.verify(forge({ payload: { role: 'admin' } }))).toEqual(await tokens.verify(good))
  })

  test('A33: stays good when the secret was replaced, as long as the old one is listed', async () => {
    const rotated = createTokens({
      jwtSecret: 'another-secret-0123456789-0123456789',
      previousJwtSecrets: [SECRET],
    })
    expect(await refusal(good, rotated)).toBe('accepted')
    const fresh = await rotated.issue(claims)
    expect(decode(fresh).header.kid).not.toBe(decode(good).header.kid)
    expect(await refusal(fresh, rotated)).toBe('accepted')
    expect(await refusal(fresh)).toBe(REFUSED)
  })
})

const { privateKey: rsaKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const { privateKey: edKey } = generateKeyPairSync('ed25519')
const { privateKey: ecKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const base64url = (bytes: Buffer) => bytes.toString('base64url')

const forgeries: Record<string, Record<string, string>> = {
  'A01: no algorithm': Object.fromEntries(
    ['none', 'None', 'NONE', 'nOnE'].flatMap((alg) => [
      [`${alg}, no signature`, forge({ header: { alg } }, () => '')],
      [`${alg}, our signature`, forge({ header: { alg } })],
    ]),
  ),
  'A02: another secret': {
    'right kid': forge({}, (input) => hs256(input, 'some-other-secret-0123456789-012345')),
    'empty signature': forge({}, () => ''),
    'empty secret': forge({}, (input) => hs256(input, '')),
  },
  'A03: another algorithm': {
    HS512: forge({ header: { alg: 'HS512' } }, (input) =>
      createHmac('sha512', SECRET).update(input).digest('base64url'),
    ),
    HS384: forge({ header: { alg: 'HS384' } }, (input) =>
      createHmac('sha384', SECRET).update(input).digest('base64url'),
    ),
    EdDSA: forge({ header: { alg: 'EdDSA' } }, (input) => base64url(sign(null, Buffer.from(input), edKey))),
    RS256: forge({ header: { alg: 'RS256' } }, (input) =>
      base64url(sign('sha256', Buffer.from(input), rsaKey)),
    ),
    ES256: forge({ header: { alg: 'ES256' } }, (input) =>
      base64url(sign('sha256', Buffer.from(input), { key: ecKey, dsaEncoding: 'ieee-p1363' })),
    ),
    'RS256 over our signature': forge({ header: { alg: 'RS256' } }),
    'an unknown one': forge({ header: { alg: 'hs256' } }),
  },
  'A04: a key of its own': Object.fromEntries(
    Object.entries({
      jwk: { kty: 'oct', k: Buffer.from(SECRET).toString('base64url') },
      jku: 'http://127.0.0.1:1/keys',
      x5u: 'http://127.0.0.1:1/cert',
      x5c: ['MIIB'],
      crit: ['exp'],
      b64: true,
      zip: 'DEF',
      cty: 'JWT',
    }).map(([key, value]) => [key, forge({ header: { [key]: value } })]),
  ),
  'A05: a strange kid': Object.fromEntries(
    ['../../etc/passwd', "' or 1=1 --", 'x'.repeat(10_240), '\0', '', 7, null, ['a'], '__proto__'].map(
      (kid) => [JSON.stringify(kid).slice(0, 20), forge({ header: { kid } })],
    ),
  ),
  'A06: a strange end': {
    'six seconds ago': forge({ payload: { exp: NOW - 6 } }),
    absent: forge({ payload: { exp: undefined } }),
    text: forge({ payload: { exp: String(NOW + 60) } }),
    'in 1e300 seconds': forge({ payload: { exp: 1e300 } }),
    'in a year': forge({ payload: { exp: NOW + 31_536_000 } }),
    fraction: forge({ payload: { exp: NOW + 60.5 } }),
    null: forge({ payload: { exp: null } }),
  },
  'A07: from the future': {
    'issued in six seconds': forge({ payload: { iat: NOW + 6 } }),
    'good in six seconds': forge({ payload: { nbf: NOW + 6 } }),
    'iat absent': forge({ payload: { iat: undefined } }),
    'nbf absent': forge({ payload: { nbf: undefined } }),
  },
  'A08: for or by somebody else': {
    'another audience': forge({ payload: { aud: 'another-api' } }),
    'ours among others': forge({ payload: { aud: ['another-api', 'krown-api'] } }),
    'ours in a list': forge({ payload: { aud: ['krown-api'] } }),
    'no audience': forge({ payload: { aud: undefined } }),
    'another issuer': forge({ payload: { iss: 'somebody' } }),
    'no issuer': forge({ payload: { iss: undefined } }),
  },
  'A09: another kind of token': {
    'typ JWT': forge({ header: { typ: 'JWT' } }),
    'typ absent': forge({ header: { typ: undefined } }),
    'typ with prefix': forge({ header: { typ: 'application/at+jwt' } }),
    'typ mfa': forge({ header: { typ: 'mfa+jwt' } }),
  },
  'A10: changed after signing': {
    role: tamper({ role: 'admin' }),
    org: tamper({ org: newId<OrgId>() }),
    sub: tamper({ sub: newId<UserId>() }),
  },
  'claims of the wrong kind': {
    'sub no id': forge({ payload: { sub: 'root' } }),
    'org absent': forge({ payload: { org: undefined } }),
    'sid absent': forge({ payload: { sid: undefined } }),
    'tv negative': forge({ payload: { tv: -1 } }),
    'tv text': forge({ payload: { tv: '3' } }),
    'jti absent': forge({ payload: { jti: undefined } }),
  },
  'no token at all': {
    empty: '',
    dots: '..',
    words: 'Bearer abc',
    'five parts': `${good}.x.y`,
    'not JSON': `${Buffer.from('{').toString('base64url')}.e30.x`,
    NUL: '\0',
    huge: 'a'.repeat(1_000_000),
  },
}

function tamper(changes: Record<string, unknown>): string {
  const [header = '', , signature = ''] = good.split('.')
  return `${header}.${encode({ ...decode(good).payload, ...changes })}.${signature}`
}

describe.each(Object.entries(forgeries))('%s is refused', (_, kinds) => {
  test.each(Object.entries(kinds))('%s', async (_name, token) => {
    expect(await refusal(token)).toBe(REFUSED)
  })
})

test('A07: five seconds of difference between clocks are forgiven', async () => {
  expect(await refusal(forge({ payload: { iat: NOW + 5, nbf: NOW + 5 } }))).toBe('accepted')
})
