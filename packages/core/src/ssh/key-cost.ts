import { readString } from './fingerprint.js'

/**
 * Whoever makes a key chooses what its decryption costs, and the code that does it cannot be interrupted: what would
 * take longer than a few seconds is refused unread.
 */
const MAX_COST = {
  /** `ssh-keygen` uses 24 by default; these take some five seconds. */
  bcryptRounds: 400,
  /** openssl uses 2,048 by default. */
  pbkdf2Iterations: 5_000_000,
  /** N · r · p; openssl's default is 2 ** 17. */
  scrypt: 2 ** 23,
}

/** True when an encrypted private key takes too long to decrypt; what cannot be read is somebody else's to refuse. */
export function isTooCostly(text: string): boolean {
  const body = Buffer.from(text.replaceAll(/-----[^-]+-----/g, ''), 'base64')
  if (text.startsWith('-----BEGIN OPENSSH')) return bcryptRounds(body) > MAX_COST.bcryptRounds
  if (!text.startsWith('-----BEGIN ENCRYPTED')) return false
  const algorithm = algorithmOf(body)
  const numbers = integersIn(algorithm)
  return algorithm.includes(SCRYPT)
    ? numbers.reduce((product, number) => product * number, 1) > MAX_COST.scrypt
    : Math.max(0, ...numbers) > MAX_COST.pbkdf2Iterations
}

const MAGIC_LENGTH = 'openssh-key-v1\0'.length

/** OpenSSH's PROTOCOL.key: cipher, name and options of the key derivation, each with its length before it. */
function bcryptRounds(key: Buffer): number {
  let at = MAGIC_LENGTH
  for (let skipped = 0; skipped < 2; skipped += 1) at += 4 + (readString(key, at)?.length ?? key.length)
  const options = readString(key, at)
  // The salt, then the rounds.
  return options && options.length >= 8 ? options.readUInt32BE(options.length - 4) : 0
}

/** DER of the object identifier 1.3.6.1.4.1.11591.4.11 (RFC 7914 §7). */
const SCRYPT = Buffer.from('06092b06010401da47040b', 'hex')

const SEQUENCE = 0x30
const INTEGER = 0x02

interface Element {
  readonly tag: number
  readonly content: Buffer
}

/** EncryptedPrivateKeyInfo (RFC 5958 §3) is a sequence of the algorithm and the encrypted key. */
function algorithmOf(der: Buffer): Buffer {
  const [whole] = elementsOf(der)
  const [algorithm] = whole ? elementsOf(whole.content) : []
  return algorithm?.content ?? Buffer.alloc(0)
}

/** The parameters stand at most so deep (RFC 8018, appendix A). */
const MAX_DEPTH = 4

function integersIn(der: Buffer, depth = 0): number[] {
  return elementsOf(der).flatMap(({ tag, content }) => {
    if (tag === SEQUENCE && depth < MAX_DEPTH) return integersIn(content, depth + 1)
    return tag === INTEGER ? [toNumber(content)] : []
  })
}

function toNumber(integer: Buffer): number {
  if (integer.length > 6) return Number.POSITIVE_INFINITY
  return integer.length === 0 ? 0 : integer.readUIntBE(0, integer.length)
}

function elementsOf(der: Buffer): Element[] {
  const elements: Element[] = []
  for (let at = 0; at + 2 <= der.length; ) {
    const tag = der.readUInt8(at)
    const [start, length] = lengthAt(der, at + 1)
    elements.push({ tag, content: der.subarray(start, start + length) })
    at = start + length
  }
  return elements
}

/** Where the content begins, and how long it is; zero in a form that no private key has. */
function lengthAt(der: Buffer, at: number): [start: number, length: number] {
  const first = der.readUInt8(at)
  if (first < 0x80) return [at + 1, first]
  const size = first & 0x7f
  if (size === 0 || size > 4 || at + 1 + size > der.length) return [der.length, 0]
  return [at + 1 + size, der.readUIntBE(at + 1, size)]
}
