import { groupBy } from '../../base/group-by.js'
import { Turn } from '../../base/turn.js'
import type { HostPlaceKey } from '../../db/repositories/host-key.repository.js'
import type { TargetWithKind } from '../../db/repositories/target.repository.js'
import type { TargetId } from '../../model/ids.js'

/** A selector may take long for each, but not so long that it is noticed. */
const ASKED_AT_ONCE = 16

/** An organization's targets as they were at one moment. */
export class OrgTargets {
  readonly newestFirst: readonly TargetWithKind[]
  readonly #byId = new Map<TargetId, TargetWithKind>()
  readonly #byName = new Map<string, TargetWithKind>()
  readonly #byHost: ReadonlyMap<string, readonly TargetWithKind[]>

  constructor(newestFirst: readonly TargetWithKind[]) {
    this.newestFirst = newestFirst
    this.#byHost = groupBy(newestFirst, ({ host }) => host)
    for (const target of newestFirst) {
      this.#byId.set(target.id, target)
      this.#byName.set(target.name, target)
    }
  }

  find(id: TargetId): TargetWithKind | undefined {
    return this.#byId.get(id)
  }

  /** In any case. */
  findByName(name: string): TargetWithKind | undefined {
    return this.#byName.get(name.toLowerCase())
  }

  /** Those whose keys are known by this place. */
  at({ host, port, via }: HostPlaceKey): TargetWithKind[] {
    const ofHost = this.#byHost.get(host) ?? []
    return ofHost.filter((target) => target.port === port && target.jumpTargetId === via)
  }

  /** Up to `limit` of which that is true, newest first, older than `before`. Lets others have their turns meanwhile. */
  async page(options: {
    before: TargetId | undefined
    limit: number
    matches: (target: TargetWithKind) => boolean
  }): Promise<TargetWithKind[]> {
    const found: TargetWithKind[] = []
    const turn = new Turn()
    for (let place = this.#placeAfter(options.before); found.length < options.limit; place += 1) {
      const target = this.newestFirst[place]
      if (!target) break
      if (options.matches(target)) found.push(target)
      if (place % ASKED_AT_ONCE === 0) await turn.end()
    }
    return found
  }

  #placeAfter(before: TargetId | undefined): number {
    if (before === undefined) return 0
    let [low, high] = [0, this.newestFirst.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.newestFirst[middle]?.id ?? '') < before) high = middle
      else low = middle + 1
    }
    return low
  }
}
