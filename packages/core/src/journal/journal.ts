import { Bell } from '../base/bell.js'
import { defer } from '../base/deferred.js'
import type { Trx } from '../db/database.js'
import type { OrgId } from '../model/ids.js'
import { AppendStatements } from './append-statements.js'
import { asUnavailable } from './chain.js'
import { commitInBatch } from './commit-batch.js'
import { commitInTransaction } from './commit-transaction.js'
import type { JournalDraft } from './entry.js'
import type { Group, JournalDeps, JournalParts, QueuedUnit, Unit } from './unit.js'
import type { UnitQuery } from './unit-query.js'

// Enough to share an fsync among a burst, few enough to keep one transaction short.
const MAX_GROUP = 64

/**
 * The unit of work: the one port for every change of consequence.
 *
 * Callers that arrive while a commit is in flight share the next one (natural batching, no timer), each with its
 * own outcome; the entries are appended to the organization's chain last. On PostgreSQL the chain's head row is
 * locked first, so inside `work` the organization's limits can be counted without a race.
 */
export class Journal {
  readonly #deps: JournalDeps
  readonly #queues = new Map<OrgId, QueuedUnit[]>()
  readonly #draining = new Set<Promise<void>>()
  readonly #bells = new Map<OrgId, Bell>()

  constructor(parts: JournalParts) {
    this.#deps = {
      ...parts,
      heads: new Map(),
      acknowledged: new Map(),
      statements: new AppendStatements(parts.database.db),
    }
  }

  /**
   * Runs `work` and appends the entries it gives rise to, in one durable commit.
   *
   * @throws KrownError AUDIT_UNAVAILABLE when it could not be committed (then nothing of it is stored); else what
   * `work` threw.
   */
  async transact<T>(
    orgId: OrgId,
    work: (trx: Trx) => Promise<T>,
    entries: (result: T) => readonly JournalDraft[],
  ): Promise<T> {
    return (await this.#enqueue(orgId, { work, entries: (result) => entries(result as T) })) as T
  }

  /**
   * The same for statements that depend on nothing: the fast path of commands.
   *
   * @throws KrownError AUDIT_UNAVAILABLE; a ConstraintError when a row is there already; ConditionNotMet when a
   * statement did not touch as many rows as it must.
   */
  async write(orgId: OrgId, queries: readonly UnitQuery[], entries: readonly JournalDraft[]): Promise<void> {
    await this.#enqueue(orgId, { queries, entries: () => entries })
  }

  /** Appends entries that accompany no change, such as refusals. */
  async append(orgId: OrgId, entries: readonly JournalDraft[]): Promise<void> {
    await this.write(orgId, [], entries)
  }

  /** Rings after each commit of this process to the organization's chain; other processes commit too. */
  bell(orgId: OrgId): Bell {
    const bell = this.#bells.get(orgId) ?? new Bell()
    this.#bells.set(orgId, bell)
    return bell
  }

  /** Waits for the commits in flight. */
  async settle(): Promise<void> {
    while (this.#draining.size > 0) await Promise.all(this.#draining)
  }

  #enqueue(orgId: OrgId, unit: Unit): Promise<unknown> {
    const queued: QueuedUnit = { done: defer(), ...unit }
    const queue = this.#queues.get(orgId)
    if (queue) queue.push(queued)
    else this.#startDraining(orgId, [queued])
    return queued.done.promise
  }

  #startDraining(orgId: OrgId, queue: QueuedUnit[]): void {
    this.#queues.set(orgId, queue)
    const draining = this.#drain(orgId, queue).finally(() => this.#draining.delete(draining))
    this.#draining.add(draining)
  }

  async #drain(orgId: OrgId, queue: QueuedUnit[]): Promise<void> {
    while (queue.length > 0) {
      const units = takeGroup(queue)
      try {
        await this.#commit({ orgId, units })
        this.#bells.get(orgId)?.ring()
      } catch (error) {
        // Who waits in line has waited as long for the database as they have.
        for (const { done } of [...units, ...queue.splice(0)]) done.reject(asUnavailable(error))
      }
    }
    this.#queues.delete(orgId)
  }

  async #commit(group: Group): Promise<void> {
    const { batch } = this.#deps.database
    const inOneMessage = batch && group.units.every(({ work }) => !work)
    if (inOneMessage && (await commitInBatch(this.#deps, batch, group))) return
    await commitInTransaction(this.#deps, group)
  }
}

/** Statement units and working units never share a commit: a batch stays one message. */
function takeGroup(queue: QueuedUnit[]): QueuedUnit[] {
  const kind = Boolean(queue[0]?.work)
  let size = 1
  while (size < queue.length && size < MAX_GROUP && Boolean(queue[size]?.work) === kind) size += 1
  return queue.splice(0, size)
}
