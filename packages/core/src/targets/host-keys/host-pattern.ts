import { createHmac, timingSafeEqual } from 'node:crypto'
import { compileGlob } from '../../access/glob.js'
import { DEFAULT_SSH_PORT } from '../outbound/parse-host.js'

const HASH_MAGIC = '|1|'
const SHA1_BYTES = 20
/** The longest name with brackets and port; a pattern with more letters of its own cannot match one. */
const MAX_NAME_LENGTH = 253 + '[]:65535'.length

/** A host as known_hosts files name it: alone for port 22, else `[host]:port`. */
export function knownHostsName(host: string, port: number): string {
  return port === DEFAULT_SSH_PORT ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
}

/**
 * What the host field of a known_hosts line means, as sshd(8) says: patterns with `*` and `?`, separated by commas, of
 * which a matching one after `!` refuses whatever the others say; or one hashed name.
 *
 * @returns Whether it means the host of this name, as {@link knownHostsName} gives it.
 */
export function compileHostPattern(field: string): (name: string) => boolean {
  const hashed = readHashed(field)
  if (hashed) return (name) => timingSafeEqual(hashName(hashed.salt, name), hashed.hash)
  const parts = field.split(',').map((part) => {
    const isNegated = part.startsWith('!')
    return { isNegated, matches: compileOne(isNegated ? part.slice(1) : part) }
  })
  return (name) => {
    const matching = parts.filter(({ matches }) => matches(name))
    return matching.length > 0 && matching.every(({ isNegated }) => !isNegated)
  }
}

/** Salt and HMAC-SHA1 of a hashed host field (`|1|salt|hash`); undefined for another form. */
export function readHashed(field: string): { readonly salt: Buffer; readonly hash: Buffer } | undefined {
  if (!field.startsWith(HASH_MAGIC)) return undefined
  const [salt = '', hash = '', ...more] = field.slice(HASH_MAGIC.length).split('|')
  const read = { salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') }
  const isWhole = more.length === 0 && read.salt.length === SHA1_BYTES && read.hash.length === SHA1_BYTES
  return isWhole ? read : undefined
}

/** What `ssh-keygen -H` makes of a name. */
export function hashName(salt: Buffer, name: string): Buffer {
  return createHmac('sha1', salt).update(name).digest()
}

function compileOne(pattern: string): (name: string) => boolean {
  const letters = pattern.length - countStars(pattern)
  return letters <= MAX_NAME_LENGTH && pattern !== '' ? compileGlob(pattern) : () => false
}

function countStars(pattern: string): number {
  return pattern.split('*').length - 1
}
