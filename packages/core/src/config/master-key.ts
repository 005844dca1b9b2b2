const KEY_BYTES = 32
const HEXADECIMAL = /^[0-9a-f]{64}$/i
/** 43 characters and their padding, in either alphabet. */
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/

/** The 32 bytes of a master key as base64, base64url or hexadecimal; undefined for any other text. */
export function parseMasterKey(text: string): Buffer | undefined {
  if (HEXADECIMAL.test(text)) return Buffer.from(text, 'hex')
  const bytes = Buffer.from(BASE64.test(text) ? text : '', 'base64')
  // The last character has two bits too many: one key has one spelling, and a mistyped one is no other key.
  const spelling = text.replaceAll('-', '+').replaceAll('_', '/').replace(/=$/, '')
  const isCanonical = bytes.toString('base64').replace(/=$/, '') === spelling
  return isCanonical && bytes.length === KEY_BYTES ? bytes : undefined
}

/**
 * Says what is wrong with a master key.
 *
 * @returns Null when it is one; else a sentence that does not repeat it.
 */
export function masterKeyProblem(text: string): string | null {
  const key = parseMasterKey(text)
  if (!key) {
    return `must be exactly ${KEY_BYTES} random bytes in base64 or hexadecimal: "openssl rand -base64 32" makes them`
  }
  return new Set(key).size < KEY_BYTES / 4 ? 'is not random' : null
}
