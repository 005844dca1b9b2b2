import type { Clock } from '../../base/clock.js'
import type { Database } from '../../db/database.js'
import { beatHeart, deleteNodes, insertNode, listLivingNodes } from '../../db/repositories/node.repository.js'
import type { NodeId } from '../../model/ids.js'
import { type SweepDeps, sweepDeadNodes } from './sweep-dead-nodes.js'

/** A process that did not say so much for so long is dead. */
export const HEARTBEAT_EVERY_MS = 5_000
const DEAD_AFTER_MS = 20_000
/** More than this between two heartbeats is a gap. */
const GAP_MS = 2 * HEARTBEAT_EVERY_MS

/** This process among those that share the database: shows that it lives, and cleans up after the dead. */
export class NodeMembership {
  readonly #database: Database
  readonly #clock: Clock
  readonly #nodeId: NodeId
  readonly #sweep: SweepDeps
  readonly #onTakenForDead: () => void
  #lastBeat = 0
  /** Since when there was no gap between its heartbeats. */
  #steadySince = 0

  /** @param deps.onTakenForDead Others have ended what this process holds, as far as rows and journal go. */
  constructor(deps: {
    database: Database
    clock: Clock
    nodeId: NodeId
    sweep: SweepDeps
    onTakenForDead: () => void
  }) {
    this.#database = deps.database
    this.#clock = deps.clock
    this.#nodeId = deps.nodeId
    this.#sweep = deps.sweep
    this.#onTakenForDead = deps.onTakenForDead
  }

  /** The first sweep is over when it resolves. */
  async join(): Promise<void> {
    // One server per SQLite file: whoever was there before is gone, also when its clock was ahead.
    if (this.#database.kind === 'sqlite')
      await deleteNodes(this.#database.db, { heartbeatBefore: Number.MAX_SAFE_INTEGER })
    await insertNode(this.#database.db, this.#nodeId, this.#clock.now())
    this.#steadySince = this.#lastBeat = this.#clock.monotonic()
    await this.#sweepDead()
  }

  async beat(): Promise<void> {
    const { db } = this.#database
    const now = this.#clock.now()
    // Others may have taken a process that was stopped for a while for dead.
    if (!(await beatHeart(db, this.#nodeId, now))) {
      await insertNode(db, this.#nodeId, now)
      this.#onTakenForDead()
    }
    this.#noteBeat()
    if (this.#database.kind === 'postgres' && this.#mayJudge()) await this.#sweepDead()
  }

  async leave(): Promise<void> {
    await deleteNodes(this.#database.db, { id: this.#nodeId })
  }

  #noteBeat(): void {
    const now = this.#clock.monotonic()
    if (now - this.#lastBeat > GAP_MS) this.#steadySince = now
    this.#lastBeat = now
  }

  // What kept this process from showing that it lives, such as an outage of the database, may have kept the others.
  #mayJudge(): boolean {
    return this.#lastBeat - this.#steadySince >= DEAD_AFTER_MS
  }

  async #sweepDead(): Promise<void> {
    const deadline = this.#clock.now() - DEAD_AFTER_MS
    await sweepDeadNodes(this.#sweep, () => this.#listLiving(deadline))
    await deleteNodes(this.#database.db, { heartbeatBefore: deadline })
  }

  async #listLiving(deadline: number): Promise<NodeId[]> {
    const others = this.#database.kind === 'sqlite' ? [] : await listLivingNodes(this.#database.db, deadline)
    return [...new Set([this.#nodeId, ...others])]
  }
}
