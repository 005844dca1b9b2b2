import type { SelectableTarget } from '../../access/target-selector.js'
import type { AccessSides } from './judge-access.js'
import type { OrgRules } from './rule-books.js'

/** Of one organization: whoever lists most targets is remembered, not everybody who ever did. */
const MAX_HOLDERS = 32

/** Whether somebody sees targets by rules, found once for each: who asks page after page asks for the same ones. */
export class SeenTargets {
  /** When rules or targets change there are other ones, and nobody holds these any more. */
  readonly #ofRules = new WeakMap<OrgRules, Map<string, SightOfTargets>>()

  of(rules: OrgRules, sides: AccessSides): SightOfTargets {
    const sights = this.#ofRules.get(rules) ?? new Map<string, SightOfTargets>()
    this.#ofRules.set(rules, sights)
    const key = JSON.stringify(sides)
    const sight = sights.get(key) ?? new SightOfTargets(rules, sides)
    sights.delete(key)
    sights.set(key, sight)
    const [oldest] = sights.keys()
    if (sights.size > MAX_HOLDERS && oldest !== undefined) sights.delete(oldest)
    return sight
  }
}

/** What is seen by some rules: that of which each side is let do something. */
export class SightOfTargets {
  readonly #rules: OrgRules
  readonly #sides: AccessSides
  /** Until when a target is seen by the rules that were found, epoch milliseconds; null when it is not. */
  readonly #until = new Map<SelectableTarget, number | null>()

  constructor(rules: OrgRules, sides: AccessSides) {
    this.#rules = rules
    this.#sides = sides
  }

  /** @param at Epoch milliseconds, never before those of an earlier question. */
  sees(target: SelectableTarget, at: number): boolean {
    const known = this.#until.get(target)
    // No rule begins by itself.
    if (known === null) return false
    if (known !== undefined && known > at) return true
    const until = this.#findUntil(target, at)
    this.#until.set(target, until)
    return until !== null
  }

  #findUntil(target: SelectableTarget, at: number): number | null {
    let until = Number.POSITIVE_INFINITY
    for (const subjects of this.#sides) {
      const rule = this.#rules.find({ subjects, target, at })
      if (!rule) return null
      until = Math.min(until, rule.expiresAt ?? Number.POSITIVE_INFINITY)
    }
    return until
  }
}
