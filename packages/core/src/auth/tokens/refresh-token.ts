import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { LoginId } from '../../model/ids.js'

// A refresh token is `krn_rt_<login>.<secret>.<tag>`. The secret is what counts: 256 random bits, kept as a hash;
// each successor is an HMAC of its predecessor, so that a retry gets the same one. The tag tells a token that was
// once handed out, however long ago, from one that was made up: only the former may end the login when it comes
// again, and the older hashes need not be kept for that.

const TOKEN = /^krn_rt_([0-9a-f]{32})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{22})$/
const KEY_BYTES = 32
const TAG_BYTES = 16

export interface RefreshToken {
  readonly loginId: LoginId
  readonly secret: string
  readonly tag: string
}

/** A family's first token, and the key of its chain (hexadecimal). */
export function startChain(loginId: LoginId): { token: RefreshToken; chainKey: string } {
  const chainKey = randomBytes(KEY_BYTES).toString('hex')
  const secret = randomBytes(KEY_BYTES).toString('base64url')
  return { token: seal(loginId, secret, chainKey), chainKey }
}

/** The successor of a token: always the same one. */
export function nextInChain({ loginId, secret }: RefreshToken, chainKey: string): RefreshToken {
  const next = hmac(chainKey, 'next', secret).toString('base64url')
  return seal(loginId, next, chainKey)
}

/** Was it handed out by the family that has this key? */
export function isOfChain({ secret, tag }: RefreshToken, chainKey: string): boolean {
  return timingSafeEqual(Buffer.from(tag, 'base64url'), makeTag(secret, chainKey))
}

/** What is stored of a token: SHA-256, hexadecimal; no salt, since the secret has 256 random bits. */
export function hashRefreshToken({ secret }: RefreshToken): string {
  return hash('sha256', secret, 'hex')
}

export function formatRefreshToken({ loginId, secret, tag }: RefreshToken): string {
  return `krn_rt_${loginId.replaceAll('-', '')}.${secret}.${tag}`
}

/** Undefined when it does not have the form of one. */
export function parseRefreshToken(text: string): RefreshToken | undefined {
  const [, id, secret, tag] = TOKEN.exec(text) ?? []
  if (id === undefined || secret === undefined || tag === undefined) return undefined
  return { loginId: id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') as LoginId, secret, tag }
}

function seal(loginId: LoginId, secret: string, chainKey: string): RefreshToken {
  return { loginId, secret, tag: makeTag(secret, chainKey).toString('base64url') }
}

function makeTag(secret: string, chainKey: string): Buffer {
  return hmac(chainKey, 'tag', secret).subarray(0, TAG_BYTES)
}

function hmac(chainKey: string, label: string, secret: string): Buffer {
  return createHmac('sha256', Buffer.from(chainKey, 'hex')).update(`${label}\0${secret}`).digest()
}
