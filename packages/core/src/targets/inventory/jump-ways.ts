import type { Db } from '../../db/database.js'
import { listWaysBehind, listWaysTo, type TargetWay } from '../../db/repositories/target-way.repository.js'
import type { OrgId, TargetId } from '../../model/ids.js'
import { MAX_JUMPS } from '../dialing/dial-plan.js'

/** Of one way, its end included. */
const MAX_TARGETS = MAX_JUMPS + 1

/** Why a target cannot be reached through another one. */
export type WayProblem = 'unknown' | 'through itself' | 'too long'

/** How targets are reached through each other: as much of it as some changes have to do with. */
export class JumpWays {
  readonly #jumps = new Map<TargetId, TargetId | null>()
  readonly #behind = new Map<TargetId, Set<TargetId>>()

  constructor(ways: readonly TargetWay[]) {
    for (const way of ways) this.place(way)
  }

  /**
   * One statement for each of the two.
   *
   * @param about.through Targets through which others are to be reached; those of them that there are get known.
   * @param about.moved Targets that are to be reached in another way.
   */
  static async read(
    db: Db,
    orgId: OrgId,
    { through, moved }: { through: readonly TargetId[]; moved: readonly TargetId[] },
  ): Promise<JumpWays> {
    const to = await listWaysTo(db, orgId, { from: through, limit: MAX_TARGETS })
    const behind = await listWaysBehind(db, orgId, { from: moved, limit: MAX_TARGETS })
    return new JumpWays([...to, ...behind])
  }

  /** Of a target that is there, or of a new one. */
  place({ id, jumpTargetId }: TargetWay): void {
    const before = this.#jumps.get(id)
    if (before) this.#behind.get(before)?.delete(id)
    this.#jumps.set(id, jumpTargetId)
    if (jumpTargetId === null) return
    const behind = this.#behind.get(jumpTargetId) ?? new Set()
    this.#behind.set(jumpTargetId, behind.add(id))
  }

  /** @param way.id Null for a target that is not there yet: nothing is reached through it. */
  problemOf({
    id,
    jumpTargetId,
  }: {
    id: TargetId | null
    jumpTargetId: TargetId | null
  }): WayProblem | undefined {
    if (jumpTargetId === null) return undefined
    if (!this.#jumps.has(jumpTargetId)) return 'unknown'
    const jumps = this.#wayTo(jumpTargetId)
    if (id !== null && jumps.includes(id)) return 'through itself'
    // The longest way ends at a target that is not a jump host.
    const behind = id === null ? 1 : this.#longestBehind(id, MAX_TARGETS)
    return jumps.length + behind > MAX_TARGETS ? 'too long' : undefined
  }

  /** The target itself, then what it is reached through, nearest first. */
  #wayTo(id: TargetId): TargetId[] {
    const way: TargetId[] = []
    for (let next: TargetId | null = id; next !== null && way.length <= MAX_TARGETS; ) {
      way.push(next)
      next = this.#jumps.get(next) ?? null
    }
    return way
  }

  /** Targets on the longest way that leads through this one, itself included; counts no further than `limit`. */
  #longestBehind(id: TargetId, limit: number): number {
    let longest = 0
    for (const behind of limit > 1 ? (this.#behind.get(id) ?? []) : []) {
      longest = Math.max(longest, this.#longestBehind(behind, limit - 1))
      if (longest === limit - 1) break
    }
    return longest + 1
  }
}
