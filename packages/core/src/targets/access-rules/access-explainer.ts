import type { Gate } from '../../auth/gate/gate.js'
import type { Clock } from '../../base/clock.js'
import type { Db } from '../../db/database.js'
import { findAccessRule } from '../../db/repositories/access-rule.repository.js'
import { findApiToken } from '../../db/repositories/api-token.repository.js'
import { findPerson } from '../../db/repositories/user.repository.js'
import { notFound } from '../../errors/krown-error.js'
import type { AccessDecision, AccessReason, AccessRule, ExplainAccessInput } from '../../model/access-rule.js'
import type { Actor } from '../../model/actor.js'
import type { ApiTokenId } from '../../model/ids.js'
import type { User } from '../../model/user.js'
import type { AccessSnapshots } from './access-snapshots.js'
import { type AccessVerdict, type HeldToken, judgeAccess } from './judge-access.js'
import type { ReadyRule } from './rule-books.js'

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
  async explain(actor: Actor, input: ExplainAccessInput): Promise<AccessDecision> {
    return this.#deps.gate.run(actor, { permission: 'rule:read' }, async () => {
      const { orgId } = actor
      const user = await findPerson(this.#deps.db, orgId, input.userId)
      if (!user) throw notFound('user')
      const token = input.tokenId && (await this.#tokenOf(user, input.tokenId))
      const { allowed, reason, rule, limit } = await this.#judge({ user, token }, input)
      if (user.disabled) return refused('disabled')
      if (token && !token.isLive) return refused('token_ended')
      return {
        allowed,
        reason,
        rule: await this.#told(rule),
        token: limit && { rule: await this.#told(limit.rule) },
      }
    })
  }

  /** With what its subject is called, unless the rule ended meanwhile. */
  async #told(decided: ReadyRule | null): Promise<AccessRule | null> {
    if (!decided) return null
    const { rule } = decided
    return (await findAccessRule(this.#deps.db, rule.orgId, rule.id)) ?? { ...rule, subjectName: null }
  }

  async #tokenOf({ orgId, id: userId }: User, tokenId: ApiTokenId): Promise<HeldToken> {
    const token = await findApiToken(this.#deps.db, orgId, tokenId)
    if (!token || token.userId !== userId) throw notFound('API token')
    const hasExpired = token.expiresAt !== null && Date.parse(token.expiresAt) <= this.#deps.clock.now()
    return { id: token.id, isLive: token.revokedAt === null && !hasExpired }
  }

  async #judge(
    { user, token }: { user: User; token: HeldToken | undefined },
    { targetId, verb, remoteUsername }: ExplainAccessInput,
  ): Promise<AccessVerdict> {
    const { id: userId, orgId, role, auditScope } = user
    const { targets, rules } = await this.#deps.snapshots.current(orgId)
    const target = targets.find(targetId)
    if (!target) throw notFound('target')
    return judgeAccess({ subject: { userId, role, auditScope }, token }, rules, {
      target,
      verbs: [verb],
      remoteUsername: remoteUsername ?? target.username,
      at: this.#deps.clock.now(),
    })
  }
}

function refused(reason: AccessReason): AccessDecision {
  return { allowed: false, reason, rule: null, token: null }
}
