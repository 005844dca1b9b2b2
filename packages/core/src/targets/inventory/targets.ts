import type { Caller, Gate } from '../../auth/gate/gate.js'
import type { Db, Trx } from '../../db/database.js'
import type { StoredTarget } from '../../db/repositories/target.repository.js'
import { isKrownError, KrownError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { OrgId, TargetId } from '../../model/ids.js'
import type { Page } from '../../model/page.js'
import type { CreateTargetInput, Target, TargetQuery, UpdateTargetInput } from '../../model/target.js'
import type { OutboundPolicy } from '../outbound/outbound-policy.js'
import type { NewTargetKeys } from './new-target-keys.js'
import { managesCredentials, requireRightsToCreate, requireRightsToMove } from './placing-rights.js'
import { changedDraft, draftOf, type TargetDraft } from './target-draft.js'
import { targetCreated, targetCreateFailed, targetDeleted, targetUpdated } from './target-entries.js'
import { describeTarget, type TargetReader } from './target-reader.js'
import { requireTarget, type TargetWriter } from './target-writer.js'

export interface TargetsDeps {
  readonly gate: Gate
  readonly store: { db: Db; journal: Journal }
  readonly outbound: OutboundPolicy
  readonly reader: TargetReader
  readonly writing: { writer: TargetWriter; keys: NewTargetKeys }
  /** Told after each change. */
  readonly onChanged: (orgId: OrgId) => void
}

/** The inventory of an organization: whoever may use a target sees it, admins change it. */
export class Targets {
  readonly #deps: TargetsDeps

  constructor(deps: TargetsDeps) {
    this.#deps = deps
  }

  /** See `TargetsApi.list`. */
  async list(actor: Actor, query: TargetQuery = {}): Promise<Page<Target>> {
    return this.#deps.gate.run(actor, { permission: 'target:read' }, (caller) =>
      this.#deps.reader.list(caller, query),
    )
  }

  /** See `TargetsApi.get`. */
  async get(actor: Actor, id: TargetId): Promise<Target> {
    const useCase = { permission: 'target:read', resource: { kind: 'target', id } } as const
    return this.#deps.gate.run(actor, useCase, (caller) => this.#deps.reader.get(caller, id))
  }

  /** See `TargetsApi.create`. */
  async create(actor: Actor, input: CreateTargetInput): Promise<Target> {
    return this.#deps.gate.run(actor, { permission: 'target:manage' }, async (caller) => {
      const draft = draftOf(input)
      requireRightsToCreate(caller.subject, draft, input)
      let isAsked = false
      try {
        this.#checkPolicy(draft)
        await this.#deps.writing.writer.requirePossible(this.#deps.store.db, actor.orgId, draft)
        isAsked = input.probe !== false
        return await this.#create(caller, draft, input)
      } catch (error) {
        if (isAsked || isOfTarget(error)) await this.#journalFailure(actor, draft, error)
        throw error
      }
    })
  }

  /** See `TargetsApi.update`. */
  async update(actor: Actor, id: TargetId, input: UpdateTargetInput): Promise<Target> {
    return this.#manage(actor, id, (caller) => {
      return this.#commit(caller, (trx) => this.#update(trx, caller, { id, input }))
    })
  }

  /** See `TargetsApi.delete`. */
  async delete(actor: Actor, id: TargetId): Promise<Target> {
    return this.#manage(actor, id, (caller) =>
      this.#commit(caller, async (trx) => {
        const target = await this.#deps.writing.writer.remove(trx, actor.orgId, id)
        return { target, entries: [targetDeleted(actor, target)] }
      }),
    )
  }

  async #create(caller: Caller, draft: TargetDraft, input: CreateTargetInput): Promise<Target> {
    const { actor } = caller
    const { writer, keys } = this.#deps.writing
    const found = await keys.find(actor, draft, input)
    return this.#commit(caller, async (trx) => {
      const target = await writer.insert(trx, actor.orgId, draft)
      const pinned = await keys.pin(trx, { actor, target, found })
      return { target, entries: [targetCreated(actor, target), ...pinned] }
    })
  }

  // What is denied to every session need not be in the inventory.
  #checkPolicy({ host, port }: TargetDraft): void {
    this.#deps.outbound.checkRequest(host, port, { adhoc: false })
  }

  async #update(
    trx: Trx,
    { actor, subject }: Caller,
    { id, input }: { id: TargetId; input: UpdateTargetInput },
  ): Promise<Changed> {
    const before = await requireTarget(trx, actor.orgId, id)
    const draft = changedDraft(before, input)
    requireRightsToMove(subject, before, draft)
    if (draft.host !== before.host || draft.port !== before.port) this.#checkPolicy(draft)
    const target = await this.#deps.writing.writer.update(trx, actor.orgId, { before, draft })
    return { target, entries: targetUpdated(actor, { before, after: target }) }
  }

  async #manage<T>(actor: Actor, id: TargetId, work: (caller: Caller) => Promise<T>): Promise<T> {
    const useCase = { permission: 'target:manage', resource: { kind: 'target', id } } as const
    return this.#deps.gate.run(actor, useCase, work)
  }

  async #commit({ actor, subject }: Caller, work: (trx: Trx) => Promise<Changed>): Promise<Target> {
    const { store, onChanged } = this.#deps
    // Who manages targets may change any of them.
    const told = { credentials: managesCredentials(subject), jumpTarget: () => true }
    const { target } = await store.journal.transact(
      actor.orgId,
      async (trx) => {
        const changed = await work(trx)
        return { ...changed, target: await describeTarget(trx, changed.target, told) }
      },
      ({ entries }) => entries,
    )
    onChanged(actor.orgId)
    return target
  }

  // A connection was made, or refused by policy: both leave evidence.
  async #journalFailure(actor: Actor, draft: TargetDraft, error: unknown): Promise<void> {
    const told = isKrownError(error) ? error : new KrownError('INTERNAL', 'a target was not created')
    await this.#deps.store.journal.append(actor.orgId, [targetCreateFailed(actor, draft, told)])
  }
}

function isOfTarget(error: unknown): boolean {
  return isKrownError(error) && /^(TARGET|HOST_KEY)_/.test(error.code)
}

interface Changed {
  readonly target: StoredTarget
  readonly entries: readonly JournalDraft[]
}
