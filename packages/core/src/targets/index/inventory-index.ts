import type { Db } from '../../db/database.js'
import { listTargetsBefore, type TargetWithKind } from '../../db/repositories/target.repository.js'
import type { OrgId } from '../../model/ids.js'
import { KeptByRevision } from './kept-by-revision.js'
import { OrgTargets } from './org-targets.js'

/** Rows of one statement: turning them into targets must not hold up the process. */
const ROWS_AT_ONCE = 2_000

/** The targets of organizations, in memory. */
export class InventoryIndex {
  readonly #db: Db
  readonly #kept: KeptByRevision<OrgTargets>

  constructor(deps: { db: Db }) {
    this.#db = deps.db
    this.#kept = new KeptByRevision({ db: deps.db, load: (orgId) => this.#load(orgId) })
  }

  /** As they are now: one small query, and all of them when something changed. */
  of(orgId: OrgId): Promise<OrgTargets> {
    return this.#kept.of(orgId)
  }

  /** The same for who has asked for the revision. */
  at(orgId: OrgId, revision: number): Promise<OrgTargets> {
    return this.#kept.at(orgId, revision)
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
