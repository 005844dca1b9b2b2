import { startCancellation } from '../../base/cancellation.js'
import { notFound } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { PresentedHostKey } from '../../ssh/connector.js'
import type { PlaceToAsk } from '../host-keys/host-place.js'
import type { InventoryIndex } from '../index/inventory-index.js'
import { type DialHop, jumpsTo } from './dial-plan.js'
import type { HopCredentials } from './hop-credentials.js'
import type { TargetDialer } from './target-dialer.js'

export interface ShownHostKeysDeps {
  readonly index: InventoryIndex
  readonly credentials: HopCredentials
  readonly dialer: TargetDialer
  readonly journal: Journal
  /** Aborts when nothing new is to be begun. */
  readonly stop: AbortSignal
}

/** Asks hosts for their keys, also through jump hosts of the inventory. */
export class ShownHostKeys {
  readonly #deps: ShownHostKeysDeps

  constructor(deps: ShownHostKeysDeps) {
    this.#deps = deps
  }

  /**
   * The key that the host shows; nothing is pinned and no credential is sent to the host. That it is asked is in the
   * journal before the first packet goes out; what came of it, the caller says.
   *
   * @throws KrownError NOT_FOUND for the jump host; AUDIT_UNAVAILABLE, and nothing was sent; DRAINING; otherwise as
   * `TargetDialer.dial` and `HopCredentials.settleJumps`; the signal's reason.
   */
  async ask(actor: Actor, place: PlaceToAsk, signal?: AbortSignal): Promise<PresentedHostKey> {
    const { index, credentials, dialer, journal, stop } = this.#deps
    const { via } = place
    using cancellation = startCancellation(stop, signal)
    cancellation.signal.throwIfAborted()
    const wanted = via === null ? [] : jumpsTo(await index.of(actor.orgId), via)
    if (via !== null && wanted.length === 0) throw notFound('jump target')
    const jumps = await credentials.settleJumps(actor, wanted, cancellation.signal)
    await journal.append(actor.orgId, [hostKeyProbing(actor, place, jumps)])
    return await dialer.showHostKey(actor, { place, jumps }, cancellation.signal)
  }
}

/** The intent: durable before anything is dialled. */
function hostKeyProbing(
  actor: Actor,
  { host, port, legacyAlgorithms }: PlaceToAsk,
  jumps: readonly DialHop[],
): JournalDraft {
  return {
    action: 'host_key.probing',
    outcome: 'success',
    actor,
    facts: {
      ...(jumps.length > 0 && { jumpTargetIds: jumps.flatMap((hop) => hop.targetId ?? []) }),
      ...((legacyAlgorithms || jumps.some((hop) => hop.legacyAlgorithms)) && { legacyAlgorithms: true }),
    },
    details: { host, port },
  }
}
