import type { Db } from '../../db/database.js'
import { findInventoryRevision } from '../../db/repositories/inventory-revision.repository.js'
import { listTargetsBefore, type TargetWithKind } from '../../db/repositories/target.repository.js'
import type { OrgId } from '../../model/ids.js'
import { OrgTargets } from './org-targets.js'

/** Rows of one statement: turning them into targets must not hold up the process. */
const ROWS_AT_ONCE = 2_000
const MAX_ORGS = 64

interface Kept {
  readonly revision: number
  readonly targets: Promise<OrgTargets>
}

/** The targets of the organizations that were asked for last, in memory; each time asked whether they changed. */
export class InventoryIndex {
  readonly #db: Db
  /** In the order in which they were asked for. */
  readonly #kept = new Map<OrgId, Kept>()

  constructor(deps: { db: Db }) {
    this.#db = deps.db
  }

  /** As they are now: one small query, and all of them when something changed. */
  async of(orgId: OrgId): Promise<OrgTargets> {
    // Asked before the targets are read: what changes while they are is found the next time.
    const revision = await findInventoryRevision(this.#db, orgId)
    const known = this.#kept.get(orgId)
    const kept = known && known.revision >= revision ? known : { revision, targets: this.#load(orgId) }
    this.#keep(orgId, kept)
    return kept.targets
  }

  #keep(orgId: OrgId, kept: Kept): void {
    this.#kept.delete(orgId)
    this.#kept.set(orgId, kept)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_ORGS && oldest !== undefined) this.#kept.delete(oldest)
    kept.targets.catch(() => {
      if (this.#kept.get(orgId) === kept) this.#kept.delete(orgId)
    })
  }

  async #load(orgId: OrgId): Promise<OrgTargets> {
    const targets: TargetWithKind[] = []
    let rows: TargetWithKind[]
    do {
      rows = await listTargetsBefore(this.#db, orgId, { before: targets.at(-1)?.id, limit: ROWS_AT_ONCE })
      targets.push(...rows)
    } while (rows.length === ROWS_AT_ONCE)
    return new OrgTargets(targets)
  }
}
