import type { Caller, Gate } from '../../auth/gate/gate.js'
import { parseInput } from '../../base/parse-input.js'
import type { Db } from '../../db/database.js'
import type { HostPlaceKey } from '../../db/repositories/host-key.repository.js'
import { isKrownError, type KrownError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import { type ProbedHostKey, type ProbeHostKeyInput, probeHostKeyInputSchema } from '../../model/host-key.js'
import type { PresentedHostKey } from '../../ssh/connector.js'
import { dialFailureFacts, dialOutcome } from '../outbound/dial-failure.js'
import { placeOf } from './host-place.js'
import type { KeyStanding, KeyStandings } from './key-standing.js'
import { requireOrganization } from './require-organization.js'

/** Where the key of a host is to be seen. */
export interface PlaceToProbe extends HostPlaceKey {
  /** The caller names the host itself, instead of an entry of the inventory. */
  readonly adhoc: boolean
  readonly legacyAlgorithms: boolean
  /** As in `DialledHost`. */
  readonly strict: boolean
}

export interface HostKeyProbesDeps {
  readonly gate: Gate
  readonly db: Db
  readonly journal: Journal
  readonly standings: KeyStandings
  /** Connects as far as the host key, after the outbound policy; signs in to the jump hosts on the way. */
  showHostKey(actor: Actor, place: PlaceToProbe): Promise<PresentedHostKey>
}

/** A key that a host showed and proved to own. */
export interface SeenKey {
  readonly key: PresentedHostKey
  readonly standing: KeyStanding
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
  async probe(actor: Actor, given: ProbeHostKeyInput): Promise<ProbedHostKey> {
    return this.#deps.gate.run(actor, { permission: 'hostkey:manage' }, async (caller) => {
      const place = placeOf(parseInput(probeHostKeyInputSchema, given))
      // The jump hosts on the way are signed in to with the organization's credentials.
      if (place.via !== null) requireOrganization(caller)
      const adhoc = caller.reach === 'own'
      const strict = caller.reach === 'org'
      const { key, standing } = await this.look(caller, { ...place, adhoc, strict, legacyAlgorithms: false })
      const { host, port, via } = place
      const { algorithm, fingerprint } = key
      return { host, port, viaTargetId: via, algorithm, fingerprint, standing: standing.kind }
    })
  }

  /** Each look is journaled, whatever it came to. @throws KrownError as `HostKeysApi.probe` */
  async look({ actor }: Caller, place: PlaceToProbe): Promise<SeenKey> {
    const { db, journal, standings, showHostKey } = this.#deps
    try {
      const key = await showHostKey(actor, place)
      const standing = await standings.of(db, actor.orgId, {
        ...place,
        userId: actor.userId,
        fingerprint: key.fingerprint,
        onlyOrganization: place.strict,
      })
      await journal.append(actor.orgId, [keySeen(actor, place, { key, standing })])
      return { key, standing }
    } catch (error) {
      if (isKrownError(error) && !NOTHING_WAS_TRIED.has(error.code))
        await journal.append(actor.orgId, [probeFailed(actor, place, error)])
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

function probeFailed(actor: Actor, { host, port, via }: HostPlaceKey, error: KrownError): JournalDraft {
  return {
    action: 'host_key.probed',
    outcome: dialOutcome(error),
    actor,
    facts: { ...dialFailureFacts(error), ...(via !== null && { viaTargetId: via }) },
    details: { host, port },
  }
}
