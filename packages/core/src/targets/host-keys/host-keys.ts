import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Db, Trx } from '../../db/database.js'
import { setTypeOfKey } from '../../db/repositories/host-key.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { TargetId } from '../../model/ids.js'
import type { PresentedHostKey } from '../../ssh/connector.js'
import { keyPinned } from './host-key-entries.js'
import {
  type AskedHost,
  type ExpectedKeys,
  type KeyStanding,
  type KeyStandings,
  UNKNOWN_TYPE,
} from './key-standing.js'
import { type NewPin, PinWriter } from './pin-writer.js'

export type HostKeyPolicy = 'accept-new' | 'ask' | 'strict'

/** Which host is dialled by whom, and whose pins of it count. */
export interface DialledHost {
  readonly actor: Actor
  /** In its one spelling. */
  readonly host: string
  readonly port: number
  /** The jump host right before it; null when it is dialled directly. */
  readonly via: TargetId | null
  /** Only the organization's pins count, whatever the policy: for targets of the inventory and stored credentials. */
  readonly strict: boolean
}

export interface HostKeyCheck extends DialledHost {
  /** What the caller says the fingerprint is, if it said. */
  readonly given: string | undefined
}

export interface VerifiedHostKey {
  readonly fingerprint: string
  readonly newlyPinned: boolean
}

/** A key that a host showed, or that somebody named, to be pinned for the organization. */
export interface ProbedPin {
  readonly actor: Actor
  readonly host: string
  readonly port: number
  readonly via: TargetId | null
  readonly key: Pick<PresentedHostKey, 'algorithm' | 'fingerprint'>
  /** `given`: somebody knew the key before, so that it may stand beside others. */
  readonly source: 'probe' | 'given'
}

export interface HostKeysDeps {
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  readonly newId: NewId
  readonly standings: KeyStandings
  readonly policy: HostKeyPolicy
}

/** Decides whether the key that a host shows may be trusted, and pins it on first use. */
export class HostKeys {
  readonly #deps: HostKeysDeps
  readonly #pins: PinWriter

  constructor(deps: HostKeysDeps) {
    this.#deps = deps
    this.#pins = new PinWriter(deps)
  }

  /**
   * Which of its keys a host is to show that has several.
   *
   * @param given As in `HostKeyCheck`.
   * @throws KrownError UNAVAILABLE
   */
  async expected(host: DialledHost, given?: string): Promise<ExpectedKeys> {
    const { standings, db } = this.#deps
    return standings.expectedOf(db, host.actor.orgId, { ...this.#asked(host), given })
  }

  /**
   * Resolves when the key may be trusted; a failure of any kind refuses.
   *
   * @throws KrownError HOST_KEY_UNKNOWN or HOST_KEY_MISMATCH, `details` with the fingerprints; AUDIT_UNAVAILABLE,
   * UNAVAILABLE; QUOTA_EXCEEDED when it would be pinned, and the user has pinned too many.
   */
  async verify(check: HostKeyCheck, key: PresentedHostKey): Promise<VerifiedHostKey> {
    requireNoCertificate(key)
    const standing = await this.#standing(this.#deps.db, check, key)
    if (standing.kind === 'trusted') {
      if (standing.untyped) await this.#learnType(check.actor, key)
      return { fingerprint: key.fingerprint, newlyPinned: false }
    }
    this.#requirePolicy(check, key)
    return this.#pinForUser(check, key)
  }

  /**
   * Pins a key for the organization, within the transaction of whatever it is pinned for.
   *
   * @returns What there is to journal; nothing when it was pinned before.
   * @throws KrownError HOST_KEY_MISMATCH when the key is revoked or, for one that was probed, others are pinned;
   * QUOTA_EXCEEDED when too many are.
   */
  async pinProbed(trx: Trx, { actor, key, source, ...place }: ProbedPin): Promise<JournalDraft[]> {
    const { algorithm, fingerprint } = key
    const { userId, orgId } = actor
    const question = { ...place, fingerprint, userId, onlyOrganization: true }
    const standing = await this.#deps.standings.of(trx, orgId, question)
    if (standing.kind === 'revoked') throw refusalOf(standing, key)
    if (standing.kind === 'changed' && source === 'probe') throw refusalOf(standing, key)
    const whose = { userId: null, mark: 'trusted', reason: null } as const
    const pin: NewPin = { ...place, ...whose, algorithm, fingerprint, source }
    const { id, outcome } = await this.#pins.add(trx, actor, pin)
    if (outcome === 'stronger') throw authorityShown(key)
    if (algorithm !== UNKNOWN_TYPE) await setTypeOfKey(trx, orgId, { ...key, before: UNKNOWN_TYPE })
    return outcome === 'known' ? [] : [keyPinned(actor, pin, id)]
  }

  /** @throws KrownError HOST_KEY_MISMATCH for a key that something speaks against. */
  async #standing(db: Db, check: HostKeyCheck, key: PresentedHostKey): Promise<KeyStanding> {
    const question = { ...this.#asked(check), fingerprint: key.fingerprint }
    const standing = await this.#deps.standings.of(db, check.actor.orgId, question)
    if (standing.kind === 'revoked') throw refusalOf(standing, key)
    if (check.given !== undefined && check.given !== key.fingerprint) throw mismatch(key, [check.given])
    if (standing.kind === 'changed') throw refusalOf(standing, key)
    return standing
  }

  // Nothing to journal: the fingerprint says which key it is, and so of which type.
  async #learnType({ orgId }: Actor, key: PresentedHostKey): Promise<void> {
    await this.#deps.journal.transact(
      orgId,
      (trx) => setTypeOfKey(trx, orgId, { ...key, before: UNKNOWN_TYPE }),
      () => [],
    )
  }

  #asked(dialled: DialledHost): AskedHost {
    const { actor, host, port, via } = dialled
    return { host, port, via, userId: actor.userId, onlyOrganization: this.#isStrict(dialled) }
  }

  // Under `strict`, what users pinned for themselves before means nothing.
  #isStrict({ strict }: DialledHost): boolean {
    return strict || this.#deps.policy === 'strict'
  }

  #requirePolicy(check: HostKeyCheck, key: PresentedHostKey): void {
    const { policy } = this.#deps
    if (!this.#isStrict(check) && (policy === 'accept-new' || check.given !== undefined)) return
    throw new KrownError('HOST_KEY_UNKNOWN', `the host key is not known: ${this.#whatToDo(check)}`, {
      details: { presented: key.fingerprint, algorithm: key.algorithm },
    })
  }

  #whatToDo(check: HostKeyCheck): string {
    return this.#isStrict(check)
      ? 'only keys that an admin pinned for the organization are trusted here'
      : 'compare it with the host and repeat with hostKeyFingerprint'
  }

  // The journal's transaction is the organization's mutex: of two first connections that see different keys, the
  // second finds the pin of the first.
  async #pinForUser(check: HostKeyCheck, key: PresentedHostKey): Promise<VerifiedHostKey> {
    const pin = pinOfUser(check, key)
    const newlyPinned = await this.#deps.journal.transact(
      check.actor.orgId,
      async (trx) => {
        if ((await this.#standing(trx, check, key)).kind === 'trusted') return false
        await this.#pins.add(trx, check.actor, pin)
        return true
      },
      (pinned) => (pinned ? [keyPinned(check.actor, pin)] : []),
    )
    return { fingerprint: key.fingerprint, newlyPinned }
  }
}

function pinOfUser({ actor, host, port, via, given }: HostKeyCheck, key: PresentedHostKey): NewPin {
  const { algorithm, fingerprint } = key
  const source = given === undefined ? 'first_use' : 'given'
  return {
    ...{ host, port, via, algorithm, fingerprint, source },
    userId: actor.userId,
    mark: 'trusted',
    reason: null,
  }
}

/** None is asked for, and the authority behind it would have to be known: a key is trusted by itself, or not at all. */
function requireNoCertificate(key: ShownKey): void {
  if (!/-cert-v\d\d@/.test(key.algorithm)) return
  throw new KrownError(
    'HOST_KEY_MISMATCH',
    'the host shows a certificate in place of its key; nothing was sent',
    {
      details: { presented: key.fingerprint, algorithm: key.algorithm },
    },
  )
}

type ShownKey = Pick<PresentedHostKey, 'algorithm' | 'fingerprint'>

function refusalOf(
  standing: Extract<KeyStanding, { kind: 'changed' }> | { kind: KeyStanding['kind'] },
  key: ShownKey,
): KrownError {
  if ('expected' in standing) return mismatch(key, standing.expected)
  return new KrownError('HOST_KEY_MISMATCH', 'the host shows a key that was revoked; nothing was sent', {
    details: { presented: key.fingerprint, algorithm: key.algorithm, revoked: true },
  })
}

function authorityShown({ algorithm, fingerprint }: ShownKey): KrownError {
  return new KrownError(
    'HOST_KEY_MISMATCH',
    'this is the key of a certificate authority, and not of a host',
    {
      details: { presented: fingerprint, algorithm },
    },
  )
}

function mismatch(key: ShownKey, expected: readonly string[]): KrownError {
  return new KrownError(
    'HOST_KEY_MISMATCH',
    'the host shows another key than before: it was rebuilt, or somebody is in between; nothing was sent',
    { details: { presented: key.fingerprint, algorithm: key.algorithm, expected } },
  )
}
