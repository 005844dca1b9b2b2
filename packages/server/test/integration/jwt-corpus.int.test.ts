import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/call.js'
import { type Gateway, type Person, startGateway } from '../support/gateway.js'
import { type Jwt, readJwt, signJwt, unsignedJwt } from '../support/jwt.js'
import { RawSocket } from '../support/raw-socket.js'

let gateway: Gateway
let person: Person
let secret: string
let real: Jwt
/** What a request without any token gets; every bad token must get the very same. */
let nobody: unknown

beforeAll(async () => {
  gateway = await startGateway()
  person = await gateway.person('operator')
  secret = gateway.config.auth.jwtSecret
  real = readJwt(person.token)
  nobody = await answerTo(undefined)
})

afterAll(() => gateway[Symbol.asyncDispose]())

async function answerTo(token: string | undefined) {
  const { status, body, headers } = await call(gateway.url, 'GET /api/auth/me', { token })
  return { status, body: { ...body, requestId: '' }, challenge: headers.get('www-authenticate') }
}

const withHeader = (header: object): Jwt => ({ ...real, header: { ...real.header, ...header } })
const withClaims = (claims: object): Jwt => ({ ...real, claims: { ...real.claims, ...claims } })
const without = (claim: string): Jwt => {
  const { [claim]: _, ...claims } = real.claims
  return { ...real, claims }
}
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

/** What both WebSockets say to it. */
async function repliesTo(token: string): Promise<unknown[]> {
  await using plain = await RawSocket.connect(gateway.url, '/ws')
  plain.send({ type: 'authenticate', token, protocol: 1 })
  await using trpc = await RawSocket.connect(gateway.url, '/trpc')
  trpc.send({ id: 1, method: 'mutation', params: { path: 'auth.reauthenticate', input: { token } } })
  const { type, code, message } = await plain.until(() => true)
  const { error } = (await trpc.until(() => true)) as { error?: { message: string } }
  return type === 'error' ? [code, message, error?.message] : []
}

async function expectRefused(tokens: Record<string, string>): Promise<void> {
  expect(nobody).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' }, challenge: 'Bearer' })
  const { detail } = (nobody as { body: { detail?: unknown } }).body
  for (const [what, token] of Object.entries(tokens)) {
    expect([what, await answerTo(token)]).toEqual([what, nobody])
    expect([what, await repliesTo(token)]).toEqual([what, ['UNAUTHENTICATED', detail, detail]])
  }
}

test('the corpus itself is sound: the real token, signed again, is taken', async () => {
  expect(real.header).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: expect.any(String) })
  for (const token of [person.token, signJwt(real, secret)]) expect((await answerTo(token)).status).toBe(200)
})

test('A01: no algorithm, however it is written', () => {
  const none = ['none', 'None', 'NONE', 'nOnE', '', null]
  const tokens = none.flatMap((alg) => [
    [`${alg} unsigned`, unsignedJwt(withHeader({ alg }))],
    [`${alg} signed`, signJwt(withHeader({ alg }), secret)],
  ])
  return expectRefused({ ...Object.fromEntries(tokens), 'HS256 unsigned': unsignedJwt(real) })
})

test('A02: another secret under the right key id', () =>
  expectRefused({
    other: signJwt(real, 'another secret that is long enough'),
    empty: signJwt(real, ''),
    'the key id itself': signJwt(real, String(real.header.kid)),
  }))

test('A03: another algorithm than the one of the key, over a body signed with our secret', () =>
  expectRefused({
    ...Object.fromEntries(
      ['EdDSA', 'RS256', 'ES256', 'PS256', 'HS384', 'HS512', 'hs256'].map((alg) => [
        alg,
        signJwt(withHeader({ alg }), secret),
      ]),
    ),
    'HS512, truly': signJwt(withHeader({ alg: 'HS512' }), secret, 512),
    'HS384, truly': signJwt(withHeader({ alg: 'HS384' }), secret, 384),
  }))

test('A04: a header that brings or names a key, and nobody goes to fetch it', async () => {
  let requests = 0
  const server = createServer((_request, response) => {
    requests += 1
    response.end('{"keys":[]}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  const jwk = { kty: 'oct', k: Buffer.from('attacker').toString('base64url'), alg: 'HS256' }
  const headers = { jwk: { jwk }, jku: { jku: url }, x5u: { x5u: url }, x5c: { x5c: ['MIIB'] } }
  const tokens = Object.entries(headers).map(([name, header]) => [
    name,
    signJwt(withHeader(header), 'attacker'),
  ])
  await expectRefused(Object.fromEntries(tokens))
  expect(requests).toBe(0)
  server.close()
})

test('A05: key ids that mean something to a file system or a database', () => {
  const kids = [
    '../../etc/passwd',
    '/dev/null',
    "' or 1=1 --",
    'x'.repeat(10 * 1024),
    'a\0b',
    'unknown',
    '',
    5,
    null,
    {},
  ]
  return expectRefused(
    Object.fromEntries(kids.map((kid) => [String(kid), signJwt(withHeader({ kid }), secret)])),
  )
})

test('A06: an expiry that is over, missing, or no time', async () => {
  await expectRefused({
    'over by 6 s': signJwt(withClaims({ exp: inSeconds(-6) }), secret),
    missing: signJwt(without('exp'), secret),
    'a string': signJwt(withClaims({ exp: String(inSeconds(60)) }), secret),
    'for ever': signJwt(withClaims({ exp: 1e300 }), secret),
    null: signJwt(withClaims({ exp: null }), secret),
  })
  const within = signJwt(withClaims({ exp: inSeconds(-3) }), secret)
  expect((await answerTo(within)).status).toBe(200)
})

test('A07: not yet', () =>
  expectRefused({
    nbf: signJwt(withClaims({ nbf: inSeconds(30) }), secret),
    iat: signJwt(withClaims({ iat: inSeconds(30) }), secret),
  }))

test('A08: for somebody else, or from somebody else', () =>
  expectRefused({
    aud: signJwt(withClaims({ aud: 'another' }), secret),
    'no aud': signJwt(without('aud'), secret),
    'ours among others': signJwt(withClaims({ aud: [real.claims.aud, 'another'] }), secret),
    iss: signJwt(withClaims({ iss: 'another' }), secret),
    'no iss': signJwt(without('iss'), secret),
  }))

describe('A09: one kind of token is not another', () => {
  test('neither a refresh token nor another typ is an access token', () =>
    expectRefused({
      'the refresh token': person.refreshToken,
      ...Object.fromEntries(
        ['JWT', 'mfa+jwt', 'refresh+jwt', 'AT+JWT+x', undefined].map((typ) => [
          String(typ),
          signJwt(withHeader({ typ }), secret),
        ]),
      ),
    }))

  test('an access token is no refresh token', async () => {
    const answer = await call(gateway.url, 'POST /api/auth/refresh', { body: { refreshToken: person.token } })
    expect([answer.status, answer.body.code]).toEqual([answer.status === 400 ? 400 : 401, answer.body.code])
    expect(['UNAUTHENTICATED', 'VALIDATION_FAILED']).toContain(answer.body.code)
  })
})

test('A10: changed claims do not fit the signature, and a role in a token means nothing', async () => {
  const [header, , signature] = person.token.split('.')
  const forged = Buffer.from(JSON.stringify({ ...real.claims, role: 'admin' })).toString('base64url')
  await expectRefused({ forged: `${header}.${forged}.${signature}` })
  const signed = signJwt(withClaims({ role: 'admin', isAdmin: true }), secret)
  expect((await call(gateway.url, 'GET /api/users', { token: signed })).status).toBe(403)
})

test('what is no token at all', () =>
  expectRefused({
    word: 'x',
    dots: '..',
    'three words': 'a.b.c',
    'no JSON': `${Buffer.from('{').toString('base64url')}.e30.x`,
    'a fourth part': `${person.token}.x`,
    'claims that are no object': signJwt({ ...real, claims: [] as never }, secret),
  }))
