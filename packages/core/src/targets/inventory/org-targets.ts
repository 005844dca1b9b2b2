import type { TargetWithKind } from '../../db/repositories/target.repository.js'
import type { TargetId } from '../../model/ids.js'

/** An organization's targets as they were at one moment. */
export class OrgTargets {
  readonly newestFirst: readonly TargetWithKind[]
  readonly #byId = new Map<TargetId, TargetWithKind>()
  readonly #byName = new Map<string, TargetWithKind>()

  constructor(newestFirst: readonly TargetWithKind[]) {
    this.newestFirst = newestFirst
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

  /** Up to `limit` of which that is true, newest first, older than `before`. */
  page(options: {
    before: TargetId | undefined
    limit: number
    matches: (target: TargetWithKind) => boolean
  }): TargetWithKind[] {
    const found: TargetWithKind[] = []
    for (let place = this.#placeAfter(options.before); found.length < options.limit; place += 1) {
      const target = this.newestFirst[place]
      if (!target) break
      if (options.matches(target)) found.push(target)
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
