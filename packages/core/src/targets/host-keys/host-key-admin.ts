import { requireRow } from '../../access/decide.js'
import type { Permission } from '../../access/permission-table.js'
import type { Caller, Gate } from '../../auth/gate/gate.js'
import type { Db, Trx } from '../../db/database.js'
import {
  deleteHostKeys,
  findHostKey,
  listHostKeys,
  markHostKeys,
} from '../../db/repositories/host-key.repository.js'
import { raiseInventoryRevision } from '../../db/repositories/inventory-revision.repository.js'
import { findTarget } from '../../db/repositories/target.repository.js'
import { KrownError, notFound } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { HostKeyQuery, KnownHostKey, PinHostKeyInput, UpdateHostKeyInput } from '../../model/host-key.js'
import type { HostKeyId, UserId } from '../../model/ids.js'
import type { Page } from '../../model/page.js'
import {
  describeKey,
  keyDeleted,
  keyPinned,
  keyReplaced,
  keyRevoked,
  keyTrusted,
} from './host-key-entries.js'
import { placeOf } from './host-place.js'
import { UNKNOWN_TYPE } from './key-standing.js'
import type { NewPin, PinWriter } from './pin-writer.js'
import { requireOrganization } from './require-organization.js'

export interface HostKeyAdminDeps {
  readonly gate: Gate
  readonly db: Db
  readonly journal: Journal
  readonly pins: PinWriter
}

/** What is known of host keys, as those who manage it see it: admins all of it, operators what they pinned. */
export class HostKeyAdmin {
  readonly #deps: HostKeyAdminDeps

  constructor(deps: HostKeyAdminDeps) {
    this.#deps = deps
  }

  /** See `HostKeysApi.list`. */
  async list(actor: Actor, query: HostKeyQuery = {}): Promise<Page<KnownHostKey>> {
    return this.#deps.gate.run(actor, { permission: 'hostkey:read' }, async ({ reach }) => {
      const owner = reach === 'org' ? undefined : actor.userId
      const host = query.host?.toLowerCase()
      return listHostKeys(this.#deps.db, actor.orgId, { query: { ...query, host }, owner })
    })
  }

  async get(actor: Actor, id: HostKeyId): Promise<KnownHostKey> {
    return this.#run(actor, { permission: 'hostkey:read', id }, (caller) =>
      this.#require(this.#deps.db, caller, { wanted: 'hostkey:read', id }),
    )
  }

  /** See `HostKeysApi.create`. */
  async create(actor: Actor, input: PinHostKeyInput): Promise<KnownHostKey> {
    return this.#deps.gate.run(actor, { permission: 'hostkey:manage' }, async (caller) => {
      if (input.scope !== 'user') requireOrganization(caller)
      const pin = pinFrom(actor, input)
      const { key } = await this.#deps.journal.transact(
        actor.orgId,
        (trx) => this.#pin(trx, caller, { pin, replace: input.replace ?? false }),
        ({ entries }) => entries,
      )
      return key
    })
  }

  /** See `HostKeysApi.update`. */
  async update(actor: Actor, id: HostKeyId, change: UpdateHostKeyInput): Promise<KnownHostKey> {
    return this.#run(actor, { permission: 'hostkey:manage', id }, async (caller) => {
      const { key } = await this.#deps.journal.transact(
        actor.orgId,
        async (trx) => {
          const before = await this.#require(trx, caller, { wanted: 'hostkey:manage', id })
          return this.#mark(trx, actor, { before, change })
        },
        ({ entries }) => entries,
      )
      return key
    })
  }

  /** See `HostKeysApi.delete`. */
  async delete(actor: Actor, id: HostKeyId): Promise<KnownHostKey> {
    return this.#run(actor, { permission: 'hostkey:manage', id }, (caller) =>
      this.#deps.journal.transact(
        actor.orgId,
        async (trx) => {
          const key = await this.#require(trx, caller, { wanted: 'hostkey:manage', id })
          await deleteHostKeys(trx, actor.orgId, [id])
          await this.#tellOfPattern(trx, key)
          return key
        },
        (key) => [keyDeleted(actor, describeKey(key), id)],
      ),
    )
  }

  async #pin(
    trx: Trx,
    { actor }: Caller,
    { pin, replace }: { pin: NewPin; replace: boolean },
  ): Promise<{ key: KnownHostKey; entries: JournalDraft[] }> {
    const { pins } = this.#deps
    if (pin.via !== null && !(await findTarget(trx, actor.orgId, pin.via))) throw notFound('target')
    const added = replace
      ? await pins.replace(trx, actor, pin)
      : { ...(await pins.add(trx, actor, pin)), replaced: [] }
    if (added.outcome === 'stronger') throw isRevoked()
    const key = await findHostKey(trx, actor.orgId, added.id)
    if (!key) throw new KrownError('INTERNAL', 'a host key that was just written is not there')
    const isNews = added.outcome !== 'known' || added.replaced.length > 0
    return { key, entries: isNews ? [entryOf(actor, pin, added)] : [] }
  }

  async #mark(
    trx: Trx,
    actor: Actor,
    { before, change }: { before: KnownHostKey; change: UpdateHostKeyInput },
  ): Promise<{ key: KnownHostKey; entries: JournalDraft[] }> {
    const { mark, reason } = change
    requireMarkable(before, mark)
    if (before.mark === mark) return { key: before, entries: [] }
    if (mark === 'trusted' && !isPattern(before))
      await this.#deps.pins.requireRoomAt(trx, actor.orgId, { ...before, via: before.viaTargetId })
    await markHostKeys(trx, actor.orgId, { ids: [before.id], set: { mark, reason } })
    await this.#tellOfPattern(trx, before)
    const key = { ...before, mark, reason }
    const entryOfMark = mark === 'revoked' ? keyRevoked : keyTrusted
    return { key, entries: [entryOfMark(actor, describeKey(key), key.id)] }
  }

  // Patterns are kept in memory by the revision.
  async #tellOfPattern(trx: Trx, key: KnownHostKey): Promise<void> {
    if (isPattern(key)) await raiseInventoryRevision(trx, key.orgId)
  }

  async #require(
    db: Db,
    { actor, subject }: Caller,
    { wanted, id }: { wanted: Permission; id: HostKeyId },
  ): Promise<KnownHostKey> {
    const key = await findHostKey(db, actor.orgId, id)
    // A key of the organization is nobody's own.
    const row = key && { key, userId: key.userId ?? ('' as UserId) }
    return requireRow(subject, { wanted, visible: 'hostkey:read', noun: 'host key' }, row).key
  }

  #run<T>(
    actor: Actor,
    { permission, id }: { permission: Permission; id: HostKeyId },
    work: (caller: Caller) => Promise<T>,
  ): Promise<T> {
    return this.#deps.gate.run(actor, { permission, resource: { kind: 'host_key', id } }, work)
  }
}

function pinFrom(actor: Actor, input: PinHostKeyInput): NewPin {
  return {
    ...placeOf(input),
    userId: input.scope === 'user' ? actor.userId : null,
    algorithm: input.algorithm ?? UNKNOWN_TYPE,
    fingerprint: input.fingerprint,
    mark: input.mark ?? 'trusted',
    source: input.scope === 'user' ? 'given' : 'admin',
    reason: input.reason ?? null,
  }
}

function entryOf(
  actor: Actor,
  pin: NewPin,
  { id, replaced }: { id: HostKeyId; replaced: string[] },
): JournalDraft {
  if (pin.mark === 'revoked') return keyRevoked(actor, pin, id)
  return replaced.length > 0 ? keyReplaced(actor, pin, { id, replaced }) : keyPinned(actor, pin, id)
}

function isPattern({ port }: KnownHostKey): boolean {
  return port === 0
}

function isRevoked(): KrownError {
  return new KrownError(
    'CONFLICT',
    "this key is revoked for this host, or a certificate authority's: trust it again by an update, or delete it first",
  )
}

// A file that revokes a key does not say whether a host shows it or an authority signs with it.
function requireMarkable({ mark, source }: KnownHostKey, wanted: UpdateHostKeyInput['mark']): void {
  if (mark === 'cert_authority')
    throw new KrownError(
      'CONFLICT',
      'this is the key of a certificate authority, and not of a host: delete it',
    )
  if (wanted === 'trusted' && mark === 'revoked' && source === 'import')
    throw new KrownError(
      'CONFLICT',
      'this key was imported and is revoked: delete it, and pin it if it is that of a host',
    )
}
