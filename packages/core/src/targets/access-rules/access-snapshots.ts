import type { Clock } from '../../base/clock.js'
import { ShortLivedCache } from '../../base/short-lived-cache.js'
import type { Db } from '../../db/database.js'
import { findInventoryRevision } from '../../db/repositories/inventory-revision.repository.js'
import type { OrgId } from '../../model/ids.js'
import type { InventoryIndex } from '../index/inventory-index.js'
import type { OrgTargets } from '../index/org-targets.js'
import type { OrgRules, RuleBooks } from './rule-books.js'

/** What access to an organization's targets depends on. */
export interface AccessSnapshot {
  readonly targets: OrgTargets
  readonly rules: OrgRules
}

/** A change by another process is seen so late: a command costs no statement, and a rule that ended counts soon. */
const MAX_AGE_MS = 1_000
const MAX_ORGS = 64

/** Targets and rules as they are, or as they were a moment ago. */
export class AccessSnapshots {
  readonly #db: Db
  readonly #targets: InventoryIndex
  readonly #rules: RuleBooks
  readonly #recent: ShortLivedCache<AccessSnapshot>

  constructor(deps: { db: Db; targets: InventoryIndex; rules: RuleBooks; clock: Clock }) {
    this.#db = deps.db
    this.#targets = deps.targets
    this.#rules = deps.rules
    this.#recent = new ShortLivedCache({ clock: deps.clock, maxAgeMs: MAX_AGE_MS, maxSize: MAX_ORGS })
  }

  /** As they are now: one small query for both, and what changed is loaded anew. */
  async current(orgId: OrgId): Promise<AccessSnapshot> {
    const revision = await findInventoryRevision(this.#db, orgId)
    const [targets, rules] = await Promise.all([
      this.#targets.at(orgId, revision),
      this.#rules.at(orgId, revision),
    ])
    return { targets, rules }
  }

  currentRules(orgId: OrgId): Promise<OrgRules> {
    return this.#rules.of(orgId)
  }

  /** At most a second old. */
  recent(orgId: OrgId): Promise<AccessSnapshot> {
    return this.#recent.get(orgId, () => this.current(orgId))
  }

  /** Makes a change of this process count at once. */
  invalidate(orgId: OrgId): void {
    this.#recent.forget((key) => key === orgId)
  }
}
