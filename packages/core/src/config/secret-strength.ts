/** Bytes: what HMAC-SHA-256 needs to be as strong as its output (RFC 7518 §3.2). */
const MIN_SECRET_BYTES = 32

/** Letters and digits of secrets that stand in documentation, templates and default settings everywhere. */
const WELL_KNOWN = new Set([
  '0123456789abcdef0123456789abcdef',
  '01234567890123456789012345678901',
  '12345678901234567890123456789012',
  'abcdefghijklmnopqrstuvwxyz123456',
  'abcdefghijklmnopqrstuvwxyz012345',
  'astringsecretatleast256bitslong',
  'mysupersecretkeythatisatleast32characterslong',
  'supersecretjwttokenwithatleast32characterslong',
  'yoursupersecretjwttokenwithatleast32characterslong',
  'thisisasecretkeythatshouldbechanged',
  'thisisaverysecretkeychangeitinproduction',
  'yoursecretkeychangeinproduction',
  'yoursecretkeychangethisinproduction',
  'yourjwtsecretkeychangeinproduction',
  'yourjwtsecretkeychangethisinproduction',
  'yoursupersecretjwtkeychangethisinproduction',
  'pleasechangethissecretinproduction',
  'changemeinproductionchangemeinproduction',
  'changethistoalongrandomsecretinproduction',
])

/** One letter or word over and over. */
const REPEATED = /^(.+?)\1+$/

/**
 * Says what is wrong with a secret that signs or grants something.
 *
 * @returns Null when it is long enough and not well known; else a sentence that does not repeat it.
 */
export function secretProblem(secret: string): string | null {
  if (Buffer.byteLength(secret) < MIN_SECRET_BYTES) return `must have at least ${MIN_SECRET_BYTES} bytes`
  const bare = secret.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  if (WELL_KNOWN.has(bare) || REPEATED.test(bare)) return 'is a well-known value that anybody can guess'
  return null
}
