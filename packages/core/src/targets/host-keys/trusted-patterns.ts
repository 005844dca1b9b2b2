import { Turn } from '../../base/turn.js'
import type { Db } from '../../db/database.js'
import { type HostKeyPin, listTrustedPatterns } from '../../db/repositories/host-key.repository.js'
import { findInventoryRevision } from '../../db/repositories/inventory-revision.repository.js'
import type { HostKeyId, OrgId } from '../../model/ids.js'
import { compileHostPattern } from './host-pattern.js'

const MAX_ORGS = 64
/** Rows of one statement: reading them must not hold up the process. */
const ROWS_AT_ONCE = 500
/** Names whose patterns are remembered; then others have their turn to be. */
const MAX_NAMES = 1_000
/** A hashed name costs a hash to compare with. */
const TRIED_AT_ONCE = 64

interface Kept {
  readonly revision: number
  readonly patterns: OrgPatterns
}

/**
 * The patterns whose keys organizations trust, kept in memory until their inventory changes: whoever changes a pattern
 * raises its revision in the same transaction.
 */
export class TrustedPatterns {
  /** In the order in which they were asked for. */
  readonly #kept = new Map<OrgId, Kept>()

  /**
   * Those that mean a host.
   *
   * @param db Of a transaction nothing is kept: it may come to nothing.
   * @param name As `knownHostsName` gives it.
   */
  async meaning(db: Db, orgId: OrgId, name: string): Promise<readonly HostKeyPin[]> {
    // Asked before they are read: what changes meanwhile is found the next time.
    const revision = await findInventoryRevision(db, orgId)
    const known = this.#kept.get(orgId)
    const kept =
      known?.revision === revision ? known : { revision, patterns: new OrgPatterns(await readAll(db, orgId)) }
    if (!db.isTransaction) this.#keep(orgId, kept)
    return kept.patterns.meaning(name)
  }

  #keep(orgId: OrgId, kept: Kept): void {
    this.#kept.delete(orgId)
    this.#kept.set(orgId, kept)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_ORGS && oldest !== undefined) this.#kept.delete(oldest)
  }
}

class OrgPatterns {
  readonly #patterns: readonly { readonly pin: HostKeyPin; means(name: string): boolean }[]
  readonly #found = new Map<string, readonly HostKeyPin[]>()

  constructor(pins: readonly HostKeyPin[]) {
    this.#patterns = pins.map((pin) => ({ pin, means: compileHostPattern(pin.host) }))
  }

  async meaning(name: string): Promise<readonly HostKeyPin[]> {
    const found = this.#found.get(name) ?? (await this.#find(name))
    if (this.#found.size >= MAX_NAMES) this.#found.clear()
    this.#found.set(name, found)
    return found
  }

  async #find(name: string): Promise<readonly HostKeyPin[]> {
    const found: HostKeyPin[] = []
    const turn = new Turn()
    for (const [index, { pin, means }] of this.#patterns.entries()) {
      if (means(name)) found.push(pin)
      if (index % TRIED_AT_ONCE === 0) await turn.end()
    }
    return found
  }
}

async function readAll(db: Db, orgId: OrgId): Promise<HostKeyPin[]> {
  const found: HostKeyPin[] = []
  let page: HostKeyPin[]
  do {
    const after: HostKeyId | null = found.at(-1)?.id ?? null
    page = await listTrustedPatterns(db, orgId, { after, limit: ROWS_AT_ONCE })
    found.push(...page)
  } while (page.length === ROWS_AT_ONCE)
  return found
}
