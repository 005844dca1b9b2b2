import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Trx } from '../../db/database.js'
import {
  deleteHostKeys,
  type HostKeyPin,
  type HostPlaceScope,
  insertPins,
  listPinsAt,
  markHostKeys,
} from '../../db/repositories/host-key.repository.js'
import type { KnownHostKeysTable } from '../../db/tables/inventory.table.js'
import type { Actor } from '../../model/actor.js'
import type { HostKeyMark, HostKeySource } from '../../model/host-key.js'
import type { HostKeyId } from '../../model/ids.js'

/** What is to be known of one key of one host. */
export interface NewPin extends HostPlaceScope {
  readonly kind?: 'exact' | 'pattern'
  readonly algorithm: string
  readonly fingerprint: string
  readonly mark: HostKeyMark
  readonly source: HostKeySource
  readonly reason: string | null
}

/** `known`: it was there with this mark. `stronger`: it was there with one that nobody takes away in passing. */
export type AddedPin = { readonly id: HostKeyId; readonly outcome: 'added' | 'marked' | 'known' | 'stronger' }

// What an authority signs with is no key of a host: trusting it as one would say more than whoever listed it meant.
const STRENGTH: Record<HostKeyMark, number> = { trusted: 0, cert_authority: 1, revoked: 2 }

/** Would this mark replace the one that is there? */
export function isStronger(mark: HostKeyMark, than: HostKeyMark): boolean {
  return STRENGTH[mark] > STRENGTH[than]
}

/** Puts keys into the table; the transaction is the journal's, so nobody else does it at the same time. */
export class PinWriter {
  readonly #deps: { readonly clock: Clock; readonly newId: NewId }

  constructor(deps: { clock: Clock; newId: NewId }) {
    this.#deps = deps
  }

  /** A key is there once for each host and scope: adding it again may only make its mark stronger. */
  async add(trx: Trx, actor: Actor, pin: NewPin): Promise<AddedPin> {
    const before = (await listPinsAt(trx, actor.orgId, pin)).find(
      ({ fingerprint }) => fingerprint === pin.fingerprint,
    )
    if (before) return this.#mark(trx, actor, { before, pin })
    const row = this.rowOf(actor, pin)
    await insertPins(trx, actor.orgId, [row])
    return { id: row.id, outcome: 'added' }
  }

  /** Trusts this key, and of the same host and scope no other. */
  async replace(trx: Trx, actor: Actor, pin: NewPin): Promise<AddedPin & { replaced: string[] }> {
    const before = await listPinsAt(trx, actor.orgId, pin)
    const others = before.filter(
      ({ mark, fingerprint }) => mark === 'trusted' && fingerprint !== pin.fingerprint,
    )
    await deleteHostKeys(
      trx,
      actor.orgId,
      others.map(({ id }) => id),
    )
    const replaced = others.map(({ fingerprint }) => fingerprint)
    return { ...(await this.add(trx, actor, pin)), replaced }
  }

  rowOf(actor: Actor, pin: NewPin): KnownHostKeysTable {
    const { newId, clock } = this.#deps
    return {
      id: newId(),
      org_id: actor.orgId,
      user_scope: pin.userId ?? '',
      host_kind: pin.kind ?? 'exact',
      host: pin.host,
      port: pin.port,
      via: pin.via ?? '',
      algorithm: pin.algorithm,
      fingerprint: pin.fingerprint,
      mark: pin.mark,
      source: pin.source,
      reason: pin.reason,
      pinned_by: actor.userId,
      created_at: clock.now(),
    }
  }

  async #mark(
    trx: Trx,
    actor: Actor,
    { before, pin }: { before: HostKeyPin; pin: NewPin },
  ): Promise<AddedPin> {
    const { id } = before
    if (before.mark === pin.mark) return { id, outcome: 'known' }
    // Once marked as revoked it would look like the key of a host.
    if (before.mark === 'cert_authority' || !isStronger(pin.mark, before.mark))
      return { id, outcome: 'stronger' }
    const set = { mark: pin.mark, source: pin.source, reason: pin.reason, pinned_by: actor.userId }
    await markHostKeys(trx, actor.orgId, { ids: [id], set })
    return { id, outcome: 'marked' }
  }
}
