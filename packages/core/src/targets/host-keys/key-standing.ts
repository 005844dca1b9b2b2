import type { Db } from '../../db/database.js'
import {
  type HostKeyPin,
  type HostPlaceKey,
  listPinsFor,
  listPinsTrustedBy,
} from '../../db/repositories/host-key.repository.js'
import type { OrgId, UserId } from '../../model/ids.js'
import { compileHostPattern, knownHostsName } from './host-pattern.js'
import type { TrustedPatterns } from './trusted-patterns.js'

/** A host that is dialled by a user. */
export interface AskedHost extends HostPlaceKey {
  readonly userId: UserId
  /** What the user pinned for themselves counts for nothing. */
  readonly onlyOrganization: boolean
}

/** A host that is to show a key. */
export interface HostToShowKey extends AskedHost {
  /** Fingerprint of the only one that is wanted; left out: those that are trusted for it. */
  readonly given: string | undefined
}

/** A host that shows a key to a user. */
export interface KeyQuestion extends AskedHost {
  readonly fingerprint: string
}

/** What is known of a key: `expected` are the fingerprints that are trusted instead. */
export type KeyStanding =
  | { readonly kind: 'revoked' | 'unknown' }
  /** `untyped`: whoever pinned it did not say of which type it is. */
  | { readonly kind: 'trusted'; readonly untyped: boolean }
  | { readonly kind: 'changed'; readonly expected: readonly string[] }

/** The key that a host is to show. */
export interface ExpectedKeys {
  /** Such as `ssh-ed25519`; none when no type is known. */
  readonly types: readonly string[]
  /** What to look for while the type of one of them is not known; otherwise none. */
  readonly fingerprints: readonly string[]
}

/** The type of a key that is known by its fingerprint alone. */
export const UNKNOWN_TYPE = 'unknown'

/** Of the keys that are trusted instead, this many are told. */
const MAX_EXPECTED = 32

/** What is known of the keys of hosts; within a transaction, by its handle, what it sees. */
export class KeyStandings {
  readonly #patterns: TrustedPatterns

  constructor(deps: { patterns: TrustedPatterns }) {
    this.#patterns = deps.patterns
  }

  /** Revoked goes before everything; then what {@link #counting} says. */
  async of(db: Db, orgId: OrgId, question: KeyQuestion): Promise<KeyStanding> {
    const pins = await listPinsFor(db, orgId, question)
    // Whatever the way on which it is met: somebody else has it.
    if (pins.some((pin) => pin.mark === 'revoked' && isAbout(pin, question))) return { kind: 'revoked' }
    const counting = await this.#counting(db, orgId, { question, pins })
    if (counting.length === 0) return { kind: 'unknown' }
    const same = counting.filter(({ fingerprint }) => fingerprint === question.fingerprint)
    return same.length > 0 ? { kind: 'trusted', untyped: same.some(isUntyped) } : changed(counting)
  }

  /** Which key a host is to show. */
  async expectedOf(db: Db, orgId: OrgId, { given, ...host }: HostToShowKey): Promise<ExpectedKeys> {
    const pins = await listPinsTrustedBy(db, orgId, host)
    const counting = await this.#counting(db, orgId, { question: host, pins })
    const wanted =
      given === undefined ? counting : counting.filter(({ fingerprint }) => fingerprint === given)
    const types = wanted.filter((pin) => !isUntyped(pin)).map(({ algorithm }) => algorithm)
    const isOpen = wanted.some(isUntyped) || (given !== undefined && wanted.length === 0)
    const fingerprints = given === undefined ? wanted.map(({ fingerprint }) => fingerprint) : [given]
    return { types: [...new Set(types)], fingerprints: isOpen ? fingerprints : [] }
  }

  /**
   * Of what is trusted, the first that there is: the organization's pins of this very host, its patterns, the user's own.
   * Who pinned this very host knew better than a pattern: of a key that was replaced none may stay trusted by one.
   */
  async #counting(
    db: Db,
    orgId: OrgId,
    { question, pins }: { question: AskedHost; pins: readonly HostKeyPin[] },
  ): Promise<readonly HostKeyPin[]> {
    const trusted = pins.filter(({ mark }) => mark === 'trusted')
    const ofOrg = trusted.filter(({ userId }) => userId === null)
    if (ofOrg.length > 0) return ofOrg
    const name = knownHostsName(question.host, question.port)
    const patterns = await this.#patterns.meaning(db, orgId, name)
    if (patterns.length > 0) return patterns
    return question.onlyOrganization ? [] : trusted
  }
}

function isUntyped({ algorithm }: HostKeyPin): boolean {
  return algorithm === UNKNOWN_TYPE
}

function isAbout({ kind, host }: HostKeyPin, question: KeyQuestion): boolean {
  return kind === 'exact' || compileHostPattern(host)(knownHostsName(question.host, question.port))
}

function changed(pins: readonly HostKeyPin[]): KeyStanding {
  const expected = [...new Set(pins.map(({ fingerprint }) => fingerprint))]
  return { kind: 'changed', expected: expected.slice(0, MAX_EXPECTED) }
}
