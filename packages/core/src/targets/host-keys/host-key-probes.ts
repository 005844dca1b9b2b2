import type { Caller, Gate } from '../../auth/gate/gate.js'
import type { Db } from '../../db/database.js'
import type { HostPlaceKey } from '../../db/repositories/host-key.repository.js'
import { isKrownError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { ProbedHostKey, ProbeHostKeyInput } from '../../model/host-key.js'
import type { PresentedHostKey } from '../../ssh/connector.js'
import { dialFailureFacts, dialOutcome } from '../outbound/dial-failure.js'
import { type PlaceToAsk, placeOf } from './host-place.js'
import type { KeyStanding, KeyStandings } from './key-standing.js'
import { requireOrganization } from './require-organization.js'

export interface HostKeyProbesDeps {
  readonly gate: Gate
  readonly db: Db
  readonly journal: Journal
  readonly standings: KeyStandings
  /** Lets a host be asked that the caller names. @throws KrownError TARGET_POLICY_DENIED, RATE_LIMITED */
  admit(caller: Caller, place: HostPlaceKey): Promise<void>
  /** Connects as far as the host key, after the outbound policy; signs in to the jump hosts on the way. */
  showHostKey(actor: Actor, place: PlaceToAsk, signal?: AbortSignal): Promise<PresentedHostKey>
}

/** A key that a host showed and proved to own. */
export interface SeenKey {
  readonly key: PresentedHostKey
  readonly standing: KeyStanding
}

/** Who looks at which key. */
interface Look {
  readonly actor: Actor
  readonly place: HostPlaceKey
  readonly signal?: AbortSignal | undefined
}

/** Refusals are the gate's to journal, which counts many of them together. */
const NOTHING_WAS_TRIED = new Set<string>(['RATE_LIMITED', 'NOT_FOUND', 'FORBIDDEN', 'AUDIT_UNAVAILABLE'])

/** Looks at the keys that hosts show. */
export class HostKeyProbes {
  readonly #deps: HostKeyProbesDeps

  constructor(deps: HostKeyProbesDeps) {
    this.#deps = deps
  }

  /** See `HostKeysApi.probe`. */
  async probe(actor: Actor, input: ProbeHostKeyInput): Promise<ProbedHostKey> {
    return this.#deps.gate.run(actor, { permission: 'hostkey:manage' }, async (caller) => {
      const place = placeOf(input)
      // The jump hosts on the way are signed in to with the organization's credentials.
      if (place.via !== null) requireOrganization(caller)
      const asked = { ...place, strict: caller.reach === 'org', legacyAlgorithms: false }
      const { key, standing } = await this.#journaled({ actor, place: asked }, async () => {
        await this.#deps.admit(caller, place)
        return this.#see(actor, asked)
      })
      const { host, port, via } = place
      const { algorithm, fingerprint } = key
      return { host, port, viaTargetId: via, algorithm, fingerprint, standing: standing.kind }
    })
  }

  /**
   * Looks at a target of the inventory.
   *
   * @throws KrownError as `HostKeysApi.probe`; the signal's reason.
   */
  async look({ actor }: Caller, place: PlaceToAsk, signal: AbortSignal): Promise<SeenKey> {
    return this.#journaled({ actor, place, signal }, () => this.#see(actor, place, signal))
  }

  async #see(actor: Actor, place: PlaceToAsk, signal?: AbortSignal): Promise<SeenKey> {
    const { db, standings, showHostKey } = this.#deps
    const key = await showHostKey(actor, place, signal)
    const standing = await standings.of(db, actor.orgId, {
      ...place,
      userId: actor.userId,
      fingerprint: key.fingerprint,
      onlyOrganization: place.strict,
    })
    return { key, standing }
  }

  /** Each look is journaled, whatever it came to. */
  async #journaled({ actor, place, signal }: Look, look: () => Promise<SeenKey>): Promise<SeenKey> {
    const { journal } = this.#deps
    try {
      const seen = await look()
      await journal.append(actor.orgId, [keySeen(actor, place, seen)])
      return seen
    } catch (error) {
      if (!isKrownError(error) || !NOTHING_WAS_TRIED.has(error.code))
        await journal.append(actor.orgId, [probeFailed({ actor, place, signal }, error)])
      throw error
    }
  }
}

function keySeen(actor: Actor, place: HostPlaceKey, { key, standing }: SeenKey): JournalDraft {
  const isRefused = standing.kind === 'changed' || standing.kind === 'revoked'
  return {
    action: 'host_key.probed',
    outcome: isRefused ? 'denied' : 'success',
    actor,
    facts: {
      presented: key.fingerprint,
      algorithm: key.algorithm,
      standing: standing.kind,
      ...(standing.kind === 'changed' && { expected: [...standing.expected] }),
      ...(place.via !== null && { viaTargetId: place.via }),
    },
    details: { host: place.host, port: place.port },
  }
}

function probeFailed({ actor, place: { host, port, via }, signal }: Look, error: unknown): JournalDraft {
  const isTold = isKrownError(error)
  return {
    action: 'host_key.probed',
    outcome: isTold ? dialOutcome(error) : 'failure',
    actor,
    facts: {
      ...(isTold ? dialFailureFacts(error) : failureFacts(signal)),
      ...(via !== null && { viaTargetId: via }),
    },
    details: { host, port },
  }
}

// What is no error of ours is the reason of the signal, whoever asked having gone; or else a fault of ours.
function failureFacts(signal: AbortSignal | undefined) {
  return signal?.aborted ? { cancelled: true } : { code: 'INTERNAL' }
}
