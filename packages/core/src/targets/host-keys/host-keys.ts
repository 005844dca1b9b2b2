import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Db, Trx } from '../../db/database.js'
import { type HostKeyPin, insertPin, listPins } from '../../db/repositories/host-key.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { PresentedHostKey } from '../../ssh/connector.js'

export type HostKeyPolicy = 'accept-new' | 'ask' | 'strict'

export interface HostKeyCheck {
  readonly actor: Actor
  readonly host: string
  readonly port: number
  /** What the caller says the fingerprint is, if it said. */
  readonly given: string | undefined
}

export interface VerifiedHostKey {
  readonly fingerprint: string
  readonly newlyPinned: boolean
}

export interface HostKeysDeps {
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  readonly newId: NewId
  readonly policy: HostKeyPolicy
}

/** Decides whether the key that a host shows may be trusted, and pins it on first use. */
export class HostKeys {
  readonly #deps: HostKeysDeps

  constructor(deps: HostKeysDeps) {
    this.#deps = deps
  }

  /**
   * Resolves when the key may be trusted; a failure of any kind refuses.
   *
   * @throws KrownError HOST_KEY_UNKNOWN or HOST_KEY_MISMATCH, `details` with the fingerprints; AUDIT_UNAVAILABLE,
   * UNAVAILABLE.
   */
  async verify(check: HostKeyCheck, key: PresentedHostKey): Promise<VerifiedHostKey> {
    requireGiven(check.given, key)
    const pins = await this.#pinsThatCount(this.#deps.db, check)
    if (requirePinned(pins, key)) return { fingerprint: key.fingerprint, newlyPinned: false }
    this.#requirePolicy(check, key)
    return this.#pinForUser(check, key)
  }

  // Under `strict`, what users pinned for themselves before means nothing.
  async #pinsThatCount(db: Db, check: HostKeyCheck): Promise<HostKeyPin[]> {
    const pins = await listPins(db, check.actor.orgId, whereOf(check))
    return this.#deps.policy === 'strict' ? pins.filter(({ source }) => source === 'admin') : pins
  }

  #requirePolicy({ given }: HostKeyCheck, key: PresentedHostKey): void {
    const { policy } = this.#deps
    if (policy === 'accept-new' || (policy === 'ask' && given !== undefined)) return
    const next =
      policy === 'ask'
        ? 'compare it with the host and repeat with hostKeyFingerprint'
        : 'only keys pinned by an admin are trusted here'
    throw new KrownError('HOST_KEY_UNKNOWN', `the host key is not known: ${next}`, {
      details: { presented: key.fingerprint, algorithm: key.algorithm },
    })
  }

  // The journal's transaction is the organization's mutex: of two first connections that see different keys, the
  // second finds the pin of the first.
  async #pinForUser(check: HostKeyCheck, key: PresentedHostKey): Promise<VerifiedHostKey> {
    const { journal } = this.#deps
    const newlyPinned = await journal.transact(
      check.actor.orgId,
      async (trx) => {
        const pins = await this.#pinsThatCount(trx, check)
        if (requirePinned(pins, key)) return false
        await this.#insert(trx, check, key)
        return true
      },
      (pinned) => (pinned ? [pinnedEntry(check, key)] : []),
    )
    return { fingerprint: key.fingerprint, newlyPinned }
  }

  async #insert(trx: Trx, { actor, host, port, given }: HostKeyCheck, key: PresentedHostKey): Promise<void> {
    const { newId, clock } = this.#deps
    await insertPin(trx, actor.orgId, {
      id: newId(),
      org_id: actor.orgId,
      user_scope: actor.userId,
      host_kind: 'exact',
      host,
      port,
      via: '',
      algorithm: key.algorithm,
      fingerprint: key.fingerprint,
      mark: 'trusted',
      source: given === undefined ? 'first_use' : 'given',
      reason: null,
      pinned_by: actor.userId,
      created_at: clock.now(),
    })
  }
}

function whereOf({ actor, host, port }: HostKeyCheck) {
  return { host, port, userId: actor.userId }
}

function requireGiven(given: string | undefined, key: PresentedHostKey): void {
  if (given !== undefined && given !== key.fingerprint) throw mismatch(key, [given])
}

/** An organization's pins win over the user's own. True when pinned, false when nothing is pinned. */
function requirePinned(pins: readonly HostKeyPin[], key: PresentedHostKey): boolean {
  const ofOrg = pins.filter(({ userId }) => userId === null)
  const relevant = (ofOrg.length > 0 ? ofOrg : pins).map(({ fingerprint }) => fingerprint)
  if (relevant.length === 0) return false
  if (!relevant.includes(key.fingerprint)) throw mismatch(key, relevant)
  return true
}

function mismatch(key: PresentedHostKey, expected: readonly string[]): KrownError {
  return new KrownError(
    'HOST_KEY_MISMATCH',
    'the host shows another key than before: it was rebuilt, or somebody is in between; nothing was sent',
    { details: { presented: key.fingerprint, algorithm: key.algorithm, expected } },
  )
}

function pinnedEntry({ actor, host, port, given }: HostKeyCheck, key: PresentedHostKey) {
  return {
    action: 'host_key.pinned',
    outcome: 'success' as const,
    actor,
    facts: {
      fingerprint: key.fingerprint,
      algorithm: key.algorithm,
      source: given === undefined ? 'first_use' : 'given',
      scope: 'user',
    },
    details: { host, port },
  }
}
