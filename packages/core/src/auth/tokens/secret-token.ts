import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Branded } from '../../base/ids.js'

// A token is `krn_<kind>_<id>_<secret>_<checksum>`: the prefix for scanners that look for leaked secrets, the id in
// hexadecimal, 256 random bits, and a CRC-32 of all that. The checksum proves nothing; it tells a typing error, and
// what was never a token, before the database is asked. Base 62 keeps it one word to whoever double-clicks it.

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const BASE = BigInt(DIGITS.length)
const SECRET_BYTES = 32
const SECRET_DIGITS = 43
const CHECKSUM_DIGITS = 6
const TOKEN = /^(krn_[a-z]{3}_([0-9a-f]{32})_([0-9A-Za-z]{43}))_([0-9A-Za-z]{6})$/
const LENGTH = 'krn_pat_'.length + 32 + 1 + SECRET_DIGITS + 1 + CHECKSUM_DIGITS

export interface PresentedToken<Id> {
  readonly id: Id
  readonly secret: string
}

/** How tokens of one kind are written; an id finds the row, the secret proves who has it. */
export class SecretTokenFormat<Id extends Branded<string>> {
  /** What every token of the kind begins with. */
  readonly prefix: `krn_${string}_`

  constructor(kind: string) {
    this.prefix = `krn_${kind}_`
  }

  format({ id, secret }: PresentedToken<Id>): string {
    const body = `${this.prefix}${id.replaceAll('-', '')}_${secret}`
    return `${body}_${checksumOf(body)}`
  }

  /** Undefined when it does not have the form of one, checksum included. */
  parse(text: string): PresentedToken<Id> | undefined {
    if (text.length !== LENGTH || !text.startsWith(this.prefix)) return undefined
    const [, body, id, secret, checksum] = TOKEN.exec(text) ?? []
    if (body === undefined || id === undefined || secret === undefined) return undefined
    if (checksum !== checksumOf(body)) return undefined
    return { id: id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') as Id, secret }
  }
}

/** A secret that nobody had before. */
export function newTokenSecret(): string {
  return toBase62(BigInt(`0x${randomBytes(SECRET_BYTES).toString('hex')}`), SECRET_DIGITS)
}

/** What is stored of a token: SHA-256, hexadecimal; no salt, since the secret has 256 random bits. */
export function hashTokenSecret(secret: string): string {
  return hash('sha256', secret, 'hex')
}

/** Compares in constant time. */
export function isTokenSecret(secret: string, secretHash: string): boolean {
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
