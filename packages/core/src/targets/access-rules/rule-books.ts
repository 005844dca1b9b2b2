import { type DecidingRule, RuleBook } from '../../access/decide-rule.js'
import { parseTargetSelector, type TargetSelector } from '../../access/target-selector.js'
import type { Db } from '../../db/database.js'
import { listAccessRulesAfter, type StoredAccessRule } from '../../db/repositories/access-rule.repository.js'
import { isKrownError } from '../../errors/krown-error.js'
import type { OrgId } from '../../model/ids.js'
import { KeptByRevision } from '../index/kept-by-revision.js'

/** Rows of one statement: reading their selectors must not hold up the process. */
const ROWS_AT_ONCE = 1_000

/** A rule as it is told, made ready to decide. */
export interface ReadyRule extends DecidingRule {
  readonly rule: StoredAccessRule
}

export type OrgRules = RuleBook<ReadyRule>

/** The access rules of organizations, in memory. */
export class RuleBooks {
  readonly #db: Db
  readonly #kept: KeptByRevision<OrgRules>

  constructor(deps: { db: Db }) {
    this.#db = deps.db
    this.#kept = new KeptByRevision({ db: deps.db, load: (orgId) => this.#load(orgId) })
  }

  /** As they are now; of several that allow something, the oldest decides. */
  of(orgId: OrgId): Promise<OrgRules> {
    return this.#kept.of(orgId)
  }

  /** The same for who has asked for the revision. */
  at(orgId: OrgId, revision: number): Promise<OrgRules> {
    return this.#kept.at(orgId, revision)
  }

  async #load(orgId: OrgId): Promise<OrgRules> {
    const rules: ReadyRule[] = []
    let rows: StoredAccessRule[]
    do {
      const after = rules.at(-1)?.rule.id
      rows = await listAccessRulesAfter(this.#db, orgId, { after, limit: ROWS_AT_ONCE })
      rules.push(...rows.map(toReadyRule))
    } while (rows.length === ROWS_AT_ONCE)
    return new RuleBook(rules)
  }
}

function toReadyRule(rule: StoredAccessRule): ReadyRule {
  const { subject, verbs, remoteUsernames, expiresAt } = rule
  return {
    rule,
    subject,
    selector: readSelector(rule.selector),
    verbs,
    remoteUsernames,
    expiresAt: expiresAt === null ? null : Date.parse(expiresAt),
  }
}

const NOTHING: TargetSelector = { matches: () => false, anchors: [] }

// It was read when it was stored. Should that ever fail, one rule allows nothing, and the others go on.
function readSelector(selector: string): TargetSelector {
  try {
    return parseTargetSelector(selector)
  } catch (error) {
    if (isKrownError(error)) return NOTHING
    throw error
  }
}
