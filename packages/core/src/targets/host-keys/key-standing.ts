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

/** A host that shows a key to a user. */
export interface KeyQuestion extends AskedHost {
  readonly fingerprint: string
}

/** What is known of a key: `expected` are the fingerprints that are trusted instead. */
export type KeyStanding =
  | { readonly kind: 'trusted' | 'revoked' | 'unknown' }
  | { readonly kind: 'changed'; readonly expected: readonly string[] }

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
    const isTrusted = counting.some(({ fingerprint }) => fingerprint === question.fingerprint)
    return isTrusted ? { kind: 'trusted' } : changed(counting)
  }

  /** Types of the keys that are trusted for a host, such as `ssh-ed25519`; none when nothing is known of it. */
  async typesOf(db: Db, orgId: OrgId, host: AskedHost): Promise<string[]> {
    const pins = await listPinsTrustedBy(db, orgId, host)
    const counting = await this.#counting(db, orgId, { question: host, pins })
    return [...new Set(counting.map(({ algorithm }) => algorithm))]
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

function isAbout({ kind, host }: HostKeyPin, question: KeyQuestion): boolean {
  return kind === 'exact' || compileHostPattern(host)(knownHostsName(question.host, question.port))
}

function changed(pins: readonly HostKeyPin[]): KeyStanding {
  const expected = [...new Set(pins.map(({ fingerprint }) => fingerprint))]
  return { kind: 'changed', expected: expected.slice(0, MAX_EXPECTED) }
}
