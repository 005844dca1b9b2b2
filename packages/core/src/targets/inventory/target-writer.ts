import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Db, Trx } from '../../db/database.js'
import { isUniqueViolation } from '../../db/db-errors.js'
import { findCredential } from '../../db/repositories/credential.repository.js'
import { raiseInventoryRevision } from '../../db/repositories/inventory-revision.repository.js'
import {
  countTargets,
  deleteTarget,
  findNameBehind,
  findTarget,
  findTargetsByName,
  insertTarget,
  insertTargets,
  type StoredTarget,
  updateTarget,
  updateTargets,
} from '../../db/repositories/target.repository.js'
import { toIso } from '../../db/repositories/timestamps.js'
import { KrownError, notFound } from '../../errors/krown-error.js'
import type { CredentialId, OrgId, TargetId } from '../../model/ids.js'
import { tooManyJumps } from '../dialing/dial-plan.js'
import { JumpWays } from './jump-ways.js'
import { changedFields, columnsOf, type TargetDraft } from './target-draft.js'

/** Of one organization: all of them are kept in memory. */
const MAX_TARGETS = 50_000

/** Several that are written together. */
export interface TargetBatch {
  readonly created: readonly { readonly id: TargetId; readonly draft: TargetDraft }[]
  readonly updated: readonly { readonly before: StoredTarget; readonly draft: TargetDraft }[]
}

/** The same as they are stored now. */
export interface WrittenTargets {
  readonly created: readonly StoredTarget[]
  readonly updated: readonly { readonly before: StoredTarget; readonly after: StoredTarget }[]
}

/** Writes targets; the transaction is the journal's, so nobody else changes the organization's meanwhile. */
export class TargetWriter {
  readonly #deps: { readonly clock: Clock; readonly newId: NewId }

  constructor(deps: { clock: Clock; newId: NewId }) {
    this.#deps = deps
  }

  /**
   * @throws KrownError CONFLICT when the name is taken or the way has too many jump hosts; NOT_FOUND for the credential
   * or the jump host; QUOTA_EXCEEDED.
   */
  async insert(trx: Trx, orgId: OrgId, draft: TargetDraft): Promise<StoredTarget> {
    await this.requirePossible(trx, orgId, draft)
    const { newId, clock } = this.#deps
    const [id, at] = [newId<TargetId>(), clock.now()]
    const row = { id, org_id: orgId, ...columnsOf(draft), created_at: at, updated_at: at }
    await insertTarget(trx, orgId, row).catch(conflictIfTaken)
    await raiseInventoryRevision(trx, orgId)
    return this.#read(trx, orgId, id)
  }

  /** Could it be inserted now? @throws KrownError as `insert` */
  async requirePossible(
    db: Db,
    orgId: OrgId,
    { name, credentialId, jumpTargetId }: TargetDraft,
  ): Promise<void> {
    await requireRoom(db, orgId)
    await requireCredential(db, orgId, credentialId)
    await requireWay(db, orgId, { id: null, jumpTargetId })
    if ((await findTargetsByName(db, orgId, [name])).length > 0) throw isTaken()
  }

  /**
   * Several at once, in a fixed number of statements; the caller has compared names, ways and credentials with the
   * inventory in this transaction.
   *
   * @throws KrownError QUOTA_EXCEEDED
   */
  async writeAll(trx: Trx, orgId: OrgId, { created, updated }: TargetBatch): Promise<WrittenTargets> {
    if (created.length + updated.length === 0) return { created: [], updated: [] }
    if (created.length > 0) await requireRoom(trx, orgId, created.length)
    const now = toIso(this.#deps.clock.now())
    const written = {
      created: created.map(({ id, draft }) => storedOf(draft, { id, orgId, createdAt: now, updatedAt: now })),
      updated: updated.map(({ before, draft }) => ({
        before,
        after: storedOf(draft, { id: before.id, orgId, createdAt: before.createdAt, updatedAt: now }),
      })),
    }
    await insertTargets(trx, orgId, written.created.map(rowOf))
    const rows = written.updated.map(({ after }) => rowOf(after))
    await updateTargets(trx, orgId, rows)
    await raiseInventoryRevision(trx, orgId)
    return written
  }

  /** @throws KrownError as `insert`; CONFLICT also when the target would be reached through itself. */
  async update(
    trx: Trx,
    orgId: OrgId,
    { before, draft }: { before: StoredTarget; draft: TargetDraft },
  ): Promise<StoredTarget> {
    const changed = changedFields(before, draft)
    if (changed.length === 0) return before
    const { id } = before
    if (changed.includes('credentialId')) await requireCredential(trx, orgId, draft.credentialId)
    if (changed.includes('jumpTargetId')) {
      await requireWay(trx, orgId, { id, jumpTargetId: draft.jumpTargetId })
    }
    const set = { ...columnsOf(draft), updated_at: this.#deps.clock.now() }
    await updateTarget(trx, orgId, { id, set }).catch(conflictIfTaken)
    await raiseInventoryRevision(trx, orgId)
    return this.#read(trx, orgId, id)
  }

  /** @throws KrownError NOT_FOUND; CONFLICT when other targets are reached through it. */
  async remove(trx: Trx, orgId: OrgId, id: TargetId): Promise<StoredTarget> {
    const target = await requireTarget(trx, orgId, id)
    const behind = await findNameBehind(trx, orgId, id)
    if (behind !== undefined) {
      throw new KrownError('CONFLICT', `other targets are reached through it, such as ${behind}`)
    }
    await deleteTarget(trx, orgId, id)
    await raiseInventoryRevision(trx, orgId)
    return target
  }

  async #read(trx: Trx, orgId: OrgId, id: TargetId): Promise<StoredTarget> {
    const target = await findTarget(trx, orgId, id)
    if (!target) throw new Error('a target that was just written is not there')
    return target
  }
}

/** @throws KrownError NOT_FOUND */
export async function requireTarget(trx: Trx, orgId: OrgId, id: TargetId): Promise<StoredTarget> {
  const target = await findTarget(trx, orgId, id)
  if (!target) throw notFound('target')
  return target
}

async function requireRoom(db: Db, orgId: OrgId, wanted = 1): Promise<void> {
  if ((await countTargets(db, orgId)) + wanted <= MAX_TARGETS) return
  throw new KrownError('QUOTA_EXCEEDED', `your organization has ${MAX_TARGETS} targets; delete one first`, {
    details: { limit: MAX_TARGETS },
  })
}

/** @throws KrownError NOT_FOUND */
export async function requireCredential(db: Db, orgId: OrgId, id: CredentialId | null): Promise<void> {
  if (id !== null && !(await findCredential(db, orgId, id))) throw notFound('credential')
}

/** @param way.id Null for a target that is not there yet, through which nothing is reached. */
async function requireWay(
  db: Db,
  orgId: OrgId,
  { id, jumpTargetId }: { id: TargetId | null; jumpTargetId: TargetId | null },
): Promise<void> {
  if (jumpTargetId === null) return
  const ways = await JumpWays.read(db, orgId, { through: [jumpTargetId], moved: id === null ? [] : [id] })
  const problem = ways.problemOf({ id, jumpTargetId })
  if (problem === 'unknown') throw notFound('jump target')
  if (problem === 'too long') throw tooManyJumps()
  if (problem) throw new KrownError('CONFLICT', `the target would be reached ${problem}`)
}

type Identity = Pick<StoredTarget, 'id' | 'orgId' | 'createdAt' | 'updatedAt'>

function storedOf(draft: TargetDraft, identity: Identity): StoredTarget {
  return { ...draft, tags: [...draft.tags], ...identity }
}

function rowOf(target: StoredTarget) {
  const { id, orgId, createdAt, updatedAt } = target
  const times = { created_at: Date.parse(createdAt), updated_at: Date.parse(updatedAt) }
  return { id, org_id: orgId, ...columnsOf(target), ...times }
}

function conflictIfTaken(error: unknown): never {
  if (!isUniqueViolation(error)) throw error
  throw isTaken(error)
}

function isTaken(cause?: unknown): KrownError {
  return new KrownError('CONFLICT', 'another target has that name', { cause })
}
