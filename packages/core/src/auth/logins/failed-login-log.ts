import type { SignInCandidate } from '../../db/repositories/user.repository.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { CallOrigin, SystemActor } from '../../model/actor.js'
import type { EntryAggregator } from '../gate/entry-aggregator.js'
import { type HomeOrg, onBehalfOf } from '../people/default-org.js'

const PER_MINUTE = 120

/** For the journal; the caller is told the same for all of them. */
export type FailedLoginReason = 'unknown_user' | 'wrong_password' | 'disabled'

export interface FailedLogin {
  readonly candidate: SignInCandidate | undefined
  readonly reason: FailedLoginReason
  /** The account is locked from now on for so long; 0 when it is not. */
  readonly locksForMs: number
  readonly origin: CallOrigin
}

/**
 * Journals failed logins, of known and unknown names alike: how long it takes must not tell them apart, so both
 * share one allowance.
 */
export class FailedLoginLog {
  readonly #entries: EntryAggregator
  readonly #home: HomeOrg

  constructor(deps: { entries: EntryAggregator; home: HomeOrg }) {
    this.#entries = deps.entries
    this.#home = deps.home
  }

  async record({ candidate, reason, locksForMs, origin }: FailedLogin): Promise<void> {
    const orgId = candidate?.orgId ?? this.#home.orgId
    const system: SystemActor = { ...this.#home.system, orgId }
    const entry: JournalDraft = {
      action: 'login.failed',
      outcome: 'denied',
      actor: onBehalfOf(system, origin),
      facts: { reason },
      // The name that was tried is not kept when nobody has it: people type passwords there by mistake.
      ...(candidate && {
        resource: { kind: 'user', id: candidate.userId },
        details: { username: candidate.username },
      }),
    }
    await this.#entries.record(
      orgId,
      { ...entry, facts: { reason, locksForMs } },
      {
        budget: 'login.failed',
        perMinute: PER_MINUTE,
        key: `login ${candidate?.userId ?? ''}`,
        summary: entry,
      },
    )
  }
}
