import type { Gate } from '../../auth/gate/gate.js'
import type { Clock } from '../../base/clock.js'
import { parseInput } from '../../base/parse-input.js'
import type { Db } from '../../db/database.js'
import { findPerson } from '../../db/repositories/user.repository.js'
import { notFound } from '../../errors/krown-error.js'
import {
  type AccessDecision,
  type ExplainAccessInput,
  explainAccessInputSchema,
} from '../../model/access-rule.js'
import type { Actor } from '../../model/actor.js'
import type { OrgId } from '../../model/ids.js'
import type { User } from '../../model/user.js'
import type { AccessSnapshots } from './access-snapshots.js'
import { type AccessVerdict, judgeAccess } from './judge-access.js'

export interface AccessExplainerDeps {
  readonly gate: Gate
  readonly db: Db
  readonly clock: Clock
  readonly snapshots: AccessSnapshots
}

/** Says why somebody may or may not do something on a target. */
export class AccessExplainer {
  readonly #deps: AccessExplainerDeps

  constructor(deps: AccessExplainerDeps) {
    this.#deps = deps
  }

  /** See `KrownClient.accessRules.explain`. */
  async explain(actor: Actor, given: ExplainAccessInput): Promise<AccessDecision> {
    return this.#deps.gate.run(actor, { permission: 'rule:read' }, async () => {
      const input = parseInput(explainAccessInputSchema, given)
      const user = await findPerson(this.#deps.db, actor.orgId, input.userId)
      if (!user) throw notFound('user')
      const verdict = await this.#judge(actor.orgId, user, input)
      if (user.disabled) return { allowed: false, reason: 'disabled', rule: null }
      return { allowed: verdict.allowed, reason: verdict.reason, rule: verdict.rule?.rule ?? null }
    })
  }

  async #judge(
    orgId: OrgId,
    { id: userId, role, auditScope }: User,
    { targetId, verb, remoteUsername }: ExplainAccessInput,
  ): Promise<AccessVerdict> {
    const { targets, rules } = await this.#deps.snapshots.current(orgId)
    const target = targets.find(targetId)
    if (!target) throw notFound('target')
    const holder = { subject: { userId, role, auditScope }, tokenId: undefined }
    return judgeAccess(holder, rules, {
      target,
      verbs: [verb],
      remoteUsername: remoteUsername ?? target.username,
      at: this.#deps.clock.now(),
    })
  }
}
