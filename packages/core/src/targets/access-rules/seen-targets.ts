import type { SelectableTarget } from '../../access/target-selector.js'
import type { AccessHolder } from './judge-access.js'
import type { OrgRules, ReadyRule } from './rule-books.js'

/** Of one organization: whoever lists most targets is remembered, not everybody who ever did. */
const MAX_HOLDERS = 32

/** By which rule somebody sees targets, found once for each: who asks page after page asks for the same ones. */
export class SeenTargets {
  /** When rules or targets change there are other ones, and nobody holds these any more. */
  readonly #ofRules = new WeakMap<OrgRules, Map<string, SightOfTargets>>()

  of(rules: OrgRules, holder: AccessHolder): SightOfTargets {
    const sights = this.#ofRules.get(rules) ?? new Map<string, SightOfTargets>()
    this.#ofRules.set(rules, sights)
    const key = [holder.subject.userId, holder.subject.role, holder.tokenId].join(' ')
    const sight = sights.get(key) ?? new SightOfTargets(rules, holder)
    sights.delete(key)
    sights.set(key, sight)
    const [oldest] = sights.keys()
    if (sights.size > MAX_HOLDERS && oldest !== undefined) sights.delete(oldest)
    return sight
  }
}

/** What one holder of rights sees by some rules. */
export class SightOfTargets {
  readonly #rules: OrgRules
  readonly #holder: AccessHolder
  /** Null for what is not seen: no rule begins by itself. */
  readonly #found = new Map<SelectableTarget, ReadyRule | null>()

  constructor(rules: OrgRules, holder: AccessHolder) {
    this.#rules = rules
    this.#holder = holder
  }

  /** @param at Epoch milliseconds, never before those of an earlier question. */
  sees(target: SelectableTarget, at: number): boolean {
    const known = this.#found.get(target)
    if (known === null) return false
    if (known && (known.expiresAt === null || known.expiresAt > at)) return true
    const { userId, role } = this.#holder.subject
    const subject = { userId, role, tokenId: this.#holder.tokenId }
    const found = this.#rules.find({ subject, target, at }) ?? null
    this.#found.set(target, found)
    return found !== null
  }
}
