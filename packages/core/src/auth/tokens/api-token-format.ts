import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { ApiTokenId } from '../../model/ids.js'

// An API token is `krn_pat_<id>_<secret>_<checksum>`: the prefix for scanners that look for leaked secrets, the id
// in hexadecimal, 256 random bits, and a CRC-32 of all that. The checksum proves nothing; it tells a typing error,
// and what was never a token, before the database is asked. Base 62 keeps it one word to whoever double-clicks it.

export const API_TOKEN_PREFIX = 'krn_pat_'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const BASE = BigInt(DIGITS.length)
const SECRET_BYTES = 32
const SECRET_DIGITS = 43
const CHECKSUM_DIGITS = 6
const LENGTH = API_TOKEN_PREFIX.length + 32 + 1 + SECRET_DIGITS + 1 + CHECKSUM_DIGITS
const TOKEN = /^(krn_pat_([0-9a-f]{32})_([0-9A-Za-z]{43}))_([0-9A-Za-z]{6})$/

export interface PresentedApiToken {
  readonly id: ApiTokenId
  readonly secret: string
}

/** A secret that nobody had before. */
export function newApiTokenSecret(): string {
  return toBase62(BigInt(`0x${randomBytes(SECRET_BYTES).toString('hex')}`), SECRET_DIGITS)
}

export function formatApiToken({ id, secret }: PresentedApiToken): string {
  const body = `${API_TOKEN_PREFIX}${id.replaceAll('-', '')}_${secret}`
  return `${body}_${checksumOf(body)}`
}

/** Undefined when it does not have the form of one, checksum included. */
export function parseApiToken(text: string): PresentedApiToken | undefined {
  if (text.length !== LENGTH) return undefined
  const [, body, id, secret, checksum] = TOKEN.exec(text) ?? []
  if (body === undefined || id === undefined || secret === undefined) return undefined
  if (checksum !== checksumOf(body)) return undefined
  return { id: id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') as ApiTokenId, secret }
}

/** What is stored of a token: SHA-256, hexadecimal; no salt, since the secret has 256 random bits. */
export function hashApiTokenSecret(secret: string): string {
  return hash('sha256', secret, 'hex')
}

/** Compares in constant time. */
export function isApiTokenSecret(secret: string, secretHash: string): boolean {
  return timingSafeEqual(hash('sha256', secret, 'buffer'), Buffer.from(secretHash, 'hex'))
}

function checksumOf(body: string): string {
  return toBase62(BigInt(crc32(body)), CHECKSUM_DIGITS)
}

function toBase62(value: bigint, digits: number): string {
  let text = ''
  for (let rest = value; text.length < digits; rest /= BASE) text = DIGITS.charAt(Number(rest % BASE)) + text
  return text
}
