import { createHash } from 'node:crypto'
import type { PresentedHostKey } from './connector.js'

/** `SHA256:` and unpadded base64 of the hash of a public key blob (RFC 4253 §6.6), as `ssh-keygen -l` prints it. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}

/** The key with its type as on the wire; null when the blob does not begin with one. */
export function describeHostKey(blob: Buffer): PresentedHostKey | null {
  const algorithm = readString(blob, 0)
  if (algorithm === null || !ALGORITHM_NAME.test(algorithm.toString('latin1'))) return null
  return { algorithm: algorithm.toString('latin1'), fingerprint: fingerprint(blob), blob: Buffer.from(blob) }
}

/** Length of the modulus of an RSA key; null for keys of other types and for a malformed blob. */
export function rsaBits(blob: Buffer): number | null {
  const type = readString(blob, 0)
  if (type?.toString('latin1') !== 'ssh-rsa') return null
  const exponent = readString(blob, 4 + type.length)
  const modulus = exponent && readString(blob, 4 + type.length + 4 + exponent.length)
  return modulus ? bitLength(modulus) : null
}

// Names come from our own offer, so a longer or stranger one is no key of ours.
const ALGORITHM_NAME = /^[a-z0-9@.-]{1,64}$/

/** The length-prefixed string at `offset` (RFC 4251 §5); null when it does not end within the blob. */
export function readString(blob: Buffer, offset: number): Buffer | null {
  if (offset + 4 > blob.length) return null
  const end = offset + 4 + blob.readUInt32BE(offset)
  return end > blob.length ? null : blob.subarray(offset + 4, end)
}

function bitLength(mpint: Buffer): number {
  const first = mpint.findIndex((byte) => byte !== 0)
  return first < 0 ? 0 : (mpint.length - first) * 8 - Math.clz32(mpint[first] ?? 0) + 24
}
