import type { CommandId } from '@krown/core/model'

/** A new UUIDv7 (RFC 9562): sorts by time of creation, 74 random bits. */
export function newCommandId(): CommandId {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  new DataView(bytes.buffer).setBigUint64(
    0,
    (BigInt(Date.now()) << 16n) | 0x7000n | BigInt(randomBits12(bytes)),
  )
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5') as CommandId
}

function randomBits12(bytes: Uint8Array): number {
  return (((bytes[6] ?? 0) & 0x0f) << 8) | (bytes[7] ?? 0)
}
