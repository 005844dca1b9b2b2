import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Trx } from '../../db/database.js'
import {
  countPinsOfUser,
  deleteHostKeys,
  findPin,
  type HostKeyPin,
  type HostPlaceScope,
  insertPins,
  listTrustedPinsAt,
  markHostKeys,
} from '../../db/repositories/host-key.repository.js'
import type { KnownHostKeysTable } from '../../db/tables/inventory.table.js'
import { KrownError } from '../../errors/krown-error.js'
import type { Actor } from '../../model/actor.js'
import type { HostKeyMark, HostKeySource } from '../../model/host-key.js'
import type { HostKeyId, OrgId } from '../../model/ids.js'

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

/** Trusted keys of one place and scope at most: all of them are read at every connection. */
export const MAX_PINS_OF_PLACE = 32
/** What one user pins, on purpose or by first use. */
const MAX_PINS_OF_USER = 1_000

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

  /**
   * A key is there once for each host and scope: adding it again may only make its mark stronger.
   *
   * @throws KrownError QUOTA_EXCEEDED
   */
  async add(trx: Trx, actor: Actor, pin: NewPin): Promise<AddedPin> {
    const before = await findPin(trx, actor.orgId, pin)
    if (before) return this.#mark(trx, actor, { before, pin })
    // What leaked can always be refused by the organization.
    if (pin.mark === 'trusted') await this.requireRoomAt(trx, actor.orgId, pin)
    await requireRoomOfUser(trx, actor, pin)
    const row = this.rowOf(actor, pin)
    await insertPins(trx, actor.orgId, [row])
    return { id: row.id, outcome: 'added' }
  }

  /** Trusts this key, and of the same host and scope no other. @throws KrownError QUOTA_EXCEEDED */
  async replace(trx: Trx, actor: Actor, pin: NewPin): Promise<AddedPin & { replaced: string[] }> {
    const trusted = await listTrustedPinsAt(trx, actor.orgId, pin)
    const others = trusted.filter(({ fingerprint }) => fingerprint !== pin.fingerprint)
    await deleteHostKeys(
      trx,
      actor.orgId,
      others.map(({ id }) => id),
    )
    const replaced = others.map(({ fingerprint }) => fingerprint)
    return { ...(await this.add(trx, actor, pin)), replaced }
  }

  /** Lets one more key of a place be trusted. @throws KrownError QUOTA_EXCEEDED */
  async requireRoomAt(trx: Trx, orgId: OrgId, at: HostPlaceScope): Promise<void> {
    if ((await listTrustedPinsAt(trx, orgId, at)).length < MAX_PINS_OF_PLACE) return
    throw tooMany(
      MAX_PINS_OF_PLACE,
      `at most ${MAX_PINS_OF_PLACE} keys of one host are trusted: delete some, or replace them`,
    )
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

// The system acts for the program that Krown is part of, which is not limited.
async function requireRoomOfUser(trx: Trx, { kind, orgId }: Actor, { userId }: NewPin): Promise<void> {
  if (userId === null || kind === 'system') return
  if ((await countPinsOfUser(trx, orgId, userId)) < MAX_PINS_OF_USER) return
  throw tooMany(
    MAX_PINS_OF_USER,
    `you have pinned ${MAX_PINS_OF_USER} host keys: delete some, or have an admin pin those of the organization`,
  )
}

function tooMany(limit: number, message: string): KrownError {
  return new KrownError('QUOTA_EXCEEDED', message, { details: { limit } })
}
