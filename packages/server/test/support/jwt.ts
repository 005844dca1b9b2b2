import { createHmac } from 'node:crypto'

export interface Jwt {
  header: Record<string, unknown>
  claims: Record<string, unknown>
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))

/** The two readable parts of a token. */
export function readJwt(token: string): Jwt {
  const [header, claims] = token.split('.')
  return { header: decode(header), claims: decode(claims) }
}

/** Signs whatever it is given with HMAC-SHA-`bits`, whatever the header says. */
export function signJwt({ header, claims }: Jwt, secret: string, bits: 256 | 384 | 512 = 256): string {
  const signed = `${encode(header)}.${encode(claims)}`
  return `${signed}.${createHmac(`sha${bits}`, secret).update(signed).digest('base64url')}`
}

/** The same without a signature. */
export function unsignedJwt({ header, claims }: Jwt): string {
  return `${encode(header)}.${encode(claims)}.`
}
