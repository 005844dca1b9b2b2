import type { Db } from '../../db/database.js'
import {
  type HostKeyPin,
  listPinsFor,
  listTrustedPatterns,
} from '../../db/repositories/host-key.repository.js'
import type { HostKeyId, OrgId, TargetId, UserId } from '../../model/ids.js'
import { knownHostsName, matchesHostPattern } from './host-pattern.js'

/** A host that shows a key to a user. */
export interface KeyQuestion {
  readonly userId: UserId
  readonly host: string
  readonly port: number
  readonly via: TargetId | null
  readonly fingerprint: string
  /** What the user pinned for themselves counts for nothing. */
  readonly onlyOrganization: boolean
}

/** What is known of a key: `expected` are the fingerprints that are trusted instead. */
export type KeyStanding =
  | { readonly kind: 'trusted' | 'revoked' | 'unknown' }
  | { readonly kind: 'changed'; readonly expected: readonly string[] }

const PATTERNS_AT_ONCE = 500
/** Of the keys that are trusted instead, this many are told. */
const MAX_EXPECTED = 32

/**
 * Revoked goes before everything; then the organization's pins of this very host, then its patterns, each of which are
 * all that counts when there are any; then the user's own.
 */
export async function standingOf(db: Db, orgId: OrgId, question: KeyQuestion): Promise<KeyStanding> {
  const { fingerprint } = question
  const pins = (await listPinsFor(db, orgId, question)).filter((pin) => isAbout(pin, question))
  // Whatever the way on which it is met: somebody else has it.
  if (pins.some((pin) => pin.mark === 'revoked' && pin.fingerprint === fingerprint))
    return { kind: 'revoked' }
  const trusted = pins.filter((pin) => pin.mark === 'trusted' && isOnTheWay(pin, question))
  const ofOrg = trusted.filter(({ userId }) => userId === null)
  const exact = ofOrg.filter(({ kind }) => kind === 'exact')
  // Who pinned this very host knew better than a pattern: of a key that was replaced none may stay trusted by one.
  if (exact.length > 0) return includes(exact, fingerprint) ? { kind: 'trusted' } : changed(exact)
  if (includes(ofOrg, fingerprint)) return { kind: 'trusted' }
  const expected = await trustedPatternsOf(db, orgId, question)
  if (expected.length > 0) return changed(expected)
  const own = question.onlyOrganization ? [] : trusted
  if (own.length === 0) return { kind: 'unknown' }
  return includes(own, fingerprint) ? { kind: 'trusted' } : changed(own)
}

// In pages, so that a file of thousands of hashed names stops nothing else meanwhile.
async function trustedPatternsOf(db: Db, orgId: OrgId, question: KeyQuestion): Promise<HostKeyPin[]> {
  const found: HostKeyPin[] = []
  let after: HostKeyId | null = null
  for (;;) {
    const page: HostKeyPin[] = await listTrustedPatterns(db, orgId, { after, limit: PATTERNS_AT_ONCE })
    found.push(...page.filter((pin) => isAbout(pin, question)))
    const last = page.at(-1)
    if (!last || page.length < PATTERNS_AT_ONCE) return found
    after = last.id
  }
}

function isAbout({ kind, host }: HostKeyPin, question: KeyQuestion): boolean {
  return kind === 'exact' || matchesHostPattern(host, knownHostsName(question.host, question.port))
}

function isOnTheWay({ kind, via }: HostKeyPin, question: KeyQuestion): boolean {
  return kind === 'pattern' || via === question.via
}

function includes(pins: readonly HostKeyPin[], fingerprint: string): boolean {
  return pins.some((pin) => pin.fingerprint === fingerprint)
}

function changed(pins: readonly HostKeyPin[]): KeyStanding {
  const expected = [...new Set(pins.map(({ fingerprint }) => fingerprint))]
  return { kind: 'changed', expected: expected.slice(0, MAX_EXPECTED) }
}
