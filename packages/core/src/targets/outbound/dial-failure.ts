import type { KrownError } from '../../errors/krown-error.js'
import type { JsonObject, JsonValue } from '../../journal/canonical-json.js'

const DENIALS = new Set<string>(['TARGET_POLICY_DENIED', 'HOST_KEY_UNKNOWN', 'HOST_KEY_MISMATCH'])

/** Whether it was Krown that did not want to, or something that failed. */
export function dialOutcome({ code }: KrownError): 'denied' | 'failure' {
  return DENIALS.has(code) ? 'denied' : 'failure'
}

/** What the journal keeps: of a refused host key both fingerprints, of a jump host which it was. */
export function dialFailureFacts({ code, details = {} }: KrownError): JsonObject {
  const facts: Record<string, JsonValue> = { code }
  if (typeof details.presented === 'string') facts.presented = details.presented
  if (Array.isArray(details.expected)) facts.expected = details.expected as string[]
  if (typeof details.hop === 'number') facts.hop = details.hop
  return facts
}
