import type { HostPlaceKey } from '../../db/repositories/host-key.repository.js'
import { notFound } from '../../errors/krown-error.js'
import type { Actor } from '../../model/actor.js'
import type { PresentedHostKey } from '../../ssh/connector.js'
import type { InventoryIndex } from '../index/inventory-index.js'
import { jumpsTo } from './dial-plan.js'
import type { HopCredentials } from './hop-credentials.js'
import type { TargetDialer } from './target-dialer.js'

/** A host whose key is to be seen. */
export interface PlaceToAsk extends HostPlaceKey {
  readonly legacyAlgorithms: boolean
  /** As in `DialledHost`. */
  readonly strict: boolean
}

export interface ShownHostKeysDeps {
  readonly index: InventoryIndex
  readonly credentials: HopCredentials
  readonly dialer: TargetDialer
}

/** Asks hosts for their keys, also through jump hosts of the inventory. */
export class ShownHostKeys {
  readonly #deps: ShownHostKeysDeps

  constructor(deps: ShownHostKeysDeps) {
    this.#deps = deps
  }

  /**
   * The key that the host shows; nothing is pinned and no credential is sent to the host.
   *
   * @throws KrownError NOT_FOUND for the jump host; otherwise as `TargetDialer.dial` and `HopCredentials.settleJumps`.
   */
  async ask(actor: Actor, place: PlaceToAsk, signal?: AbortSignal): Promise<PresentedHostKey> {
    const { index, credentials, dialer } = this.#deps
    const { via } = place
    const wanted = via === null ? [] : jumpsTo(await index.of(actor.orgId), via)
    if (via !== null && wanted.length === 0) throw notFound('jump target')
    const jumps = await credentials.settleJumps(actor, wanted, signal)
    return dialer.showHostKey(actor, { ...place, jumps }, signal)
  }
}
