import type { Trx } from '../../db/database.js'
import type { StoredTarget } from '../../db/repositories/target.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Actor } from '../../model/actor.js'
import type { CreateTargetInput } from '../../model/target.js'
import type { PresentedHostKey } from '../../ssh/connector.js'
import type { ShownHostKeys } from '../dialing/shown-host-keys.js'
import type { HostKeys, ProbedPin } from '../host-keys/host-keys.js'
import { UNKNOWN_TYPE } from '../host-keys/key-standing.js'
import type { TargetDraft } from './target-draft.js'

/** The key of a target that is being created, and how it got known. */
export type KeyOfNewTarget = Pick<ProbedPin, 'key' | 'source'>

export interface NewTargetKeysDeps {
  readonly probe: ShownHostKeys
  readonly hostKeys: HostKeys
}

/** What of its host key a new target begins with. */
export class NewTargetKeys {
  readonly #deps: NewTargetKeysDeps

  constructor(deps: NewTargetKeysDeps) {
    this.#deps = deps
  }

  /**
   * Asks the host, unless that is not wanted.
   *
   * @returns Undefined when nothing is known of it.
   * @throws KrownError HOST_KEY_MISMATCH when it shows another key than was given; otherwise as `ShownHostKeys.ask`.
   */
  async find(
    actor: Actor,
    draft: TargetDraft,
    { probe = true, hostKeyFingerprint: given }: CreateTargetInput,
  ): Promise<KeyOfNewTarget | undefined> {
    if (!probe) return given === undefined ? undefined : { key: unseen(given), source: 'given' }
    const place = { ...draft, via: draft.jumpTargetId, strict: true, given }
    const key = await this.#deps.probe.ask(actor, place)
    if (given !== undefined && given !== key.fingerprint) throw notAsGiven(given, key)
    return { key, source: given === undefined ? 'probe' : 'given' }
  }

  /** @throws KrownError HOST_KEY_MISMATCH when the key is revoked, or others are pinned for the host. */
  async pin(
    trx: Trx,
    { actor, target, found }: { actor: Actor; target: StoredTarget; found: KeyOfNewTarget | undefined },
  ): Promise<JournalDraft[]> {
    if (!found) return []
    const { host, port, jumpTargetId } = target
    return this.#deps.hostKeys.pinProbed(trx, { actor, host, port, via: jumpTargetId, ...found })
  }
}

function unseen(fingerprint: string): ProbedPin['key'] {
  return { algorithm: UNKNOWN_TYPE, fingerprint }
}

function notAsGiven(given: string, { fingerprint, algorithm }: PresentedHostKey): KrownError {
  return new KrownError('HOST_KEY_MISMATCH', 'the host shows another key than the one that was given', {
    details: { presented: fingerprint, algorithm, expected: [given] },
  })
}
