import type { Db } from '../../db/database.js'
import { findInventoryRevision } from '../../db/repositories/inventory-revision.repository.js'
import type { OrgId } from '../../model/ids.js'

const MAX_ORGS = 64

interface Kept<Value> {
  readonly revision: number
  readonly value: Promise<Value>
}

/** What is made of an organization's targets or rules, kept until one of them changes; of the organizations asked last. */
export class KeptByRevision<Value> {
  readonly #db: Db
  readonly #load: (orgId: OrgId) => Promise<Value>
  /** In the order in which they were asked for. */
  readonly #kept = new Map<OrgId, Kept<Value>>()

  constructor(deps: { db: Db; load: (orgId: OrgId) => Promise<Value> }) {
    this.#db = deps.db
    this.#load = deps.load
  }

  /** As it is now: one small query, and loaded anew when something changed. */
  async of(orgId: OrgId): Promise<Value> {
    return this.at(orgId, await findInventoryRevision(this.#db, orgId))
  }

  /** @param revision Asked before it is loaded: what changes meanwhile is found the next time. */
  async at(orgId: OrgId, revision: number): Promise<Value> {
    const known = this.#kept.get(orgId)
    const kept = known?.revision === revision ? known : { revision, value: this.#load(orgId) }
    this.#keep(orgId, kept)
    return kept.value
  }

  #keep(orgId: OrgId, kept: Kept<Value>): void {
    this.#kept.delete(orgId)
    this.#kept.set(orgId, kept)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_ORGS && oldest !== undefined) this.#kept.delete(oldest)
    kept.value.catch(() => {
      if (this.#kept.get(orgId) === kept) this.#kept.delete(orgId)
    })
  }
}
