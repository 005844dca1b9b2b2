import { reachOf, requirePermission } from '../../access/decide.js'
import type { SelectableTarget } from '../../access/target-selector.js'
import type { Caller } from '../../auth/gate/gate.js'
import type { Clock } from '../../base/clock.js'
import { KrownError, notFound } from '../../errors/krown-error.js'
import type { AccessVerb } from '../../model/access-rule.js'
import type { OrgId, TargetId } from '../../model/ids.js'
import type { AccessSnapshot, AccessSnapshots } from './access-snapshots.js'
import { type AccessHolder, holderOf, judgeAccess } from './judge-access.js'
import type { OrgRules } from './rule-books.js'
import { SeenTargets } from './seen-targets.js'

/** What a session can be opened for; for who may only watch there is nothing to open. */
const OPENING_VERBS: readonly AccessVerb[] = ['exec', 'shell', 'transfer']

export interface TargetAccessDeps {
  readonly snapshots: AccessSnapshots
  readonly clock: Clock
}

export type TargetFilter = (target: SelectableTarget) => boolean

/** A session to a target of the inventory. */
export interface SessionOnTarget {
  readonly targetId: TargetId
  /** User name on the target. */
  readonly username: string
}

/** A session with whoever opened it, as that is now. */
export interface OwnedSession {
  readonly holder: AccessHolder
  readonly on: SessionOnTarget
}

/** Which targets a caller may see and use now, by its role and by access rules. */
export class TargetAccess {
  readonly #deps: TargetAccessDeps
  readonly #seen = new SeenTargets()

  constructor(deps: TargetAccessDeps) {
    this.#deps = deps
  }

  /**
   * Lets a session be opened.
   *
   * @param target As it is now; undefined when there is none of that id or name.
   * @param remoteUsername User name on the target; default: the target's own.
   * @throws KrownError NOT_FOUND when the caller may not see the target, as when there is none; FORBIDDEN when the
   * caller sees it, but no rule lets it use it as that user.
   */
  async requireOpen<T extends SelectableTarget>(
    caller: Caller,
    target: T | undefined,
    remoteUsername: string | undefined,
  ): Promise<T> {
    requirePermission(caller.subject, 'target:use')
    const { actor, subject } = caller
    const rules = await this.#deps.snapshots.currentRules(actor.orgId)
    if (!target) throw notFound('target')
    const username = remoteUsername ?? target.username
    const asked = { target, verbs: OPENING_VERBS, remoteUsername: username, at: this.#deps.clock.now() }
    if (judgeAccess(holderOf(actor, subject), rules, asked).allowed) return target
    if (!this.#visibility(caller, rules)(target)) throw notFound('target')
    throw notAllowed('a session', username)
  }

  /**
   * Lets something be done in a session to a target; of changes by other processes it knows within a second.
   *
   * @throws KrownError FORBIDDEN
   */
  async requireVerb(caller: Caller, on: SessionOnTarget, verb: AccessVerb): Promise<void> {
    const { actor, subject } = caller
    const snapshot = await this.#deps.snapshots.recent(actor.orgId)
    if (!this.#isAllowed(holderOf(actor, subject), snapshot, { ...on, verbs: [verb] })) {
      throw notAllowed(verb, on.username)
    }
  }

  /** Tells which targets the caller may see now: those that a rule of its names, or all. */
  async visibleTo(caller: Caller): Promise<TargetFilter> {
    const rules = await this.#deps.snapshots.currentRules(caller.actor.orgId)
    return this.#visibility(caller, rules)
  }

  /** @throws KrownError NOT_FOUND for what {@link visibleTo} leaves out, as for undefined. */
  async requireVisible<T extends SelectableTarget>(caller: Caller, target: T | undefined): Promise<T> {
    const isVisible = await this.visibleTo(caller)
    if (!target || !isVisible(target)) throw notFound('target')
    return target
  }

  /** Tells which sessions of the organization may go on: those that their owners could open now. */
  async lastingIn(orgId: OrgId): Promise<(session: OwnedSession) => boolean> {
    const snapshot = await this.#deps.snapshots.current(orgId)
    return ({ holder, on }) => this.#isAllowed(holder, snapshot, { ...on, verbs: OPENING_VERBS })
  }

  #isAllowed(
    holder: AccessHolder,
    { targets, rules }: AccessSnapshot,
    { targetId, username, verbs }: SessionOnTarget & { verbs: readonly AccessVerb[] },
  ): boolean {
    const target = targets.find(targetId)
    if (!target) return false
    const asked = { target, verbs, remoteUsername: username, at: this.#deps.clock.now() }
    return judgeAccess(holder, rules, asked).allowed
  }

  #visibility({ actor, subject }: Caller, rules: OrgRules): TargetFilter {
    if (reachOf(subject, 'target:read') === 'org') return () => true
    const holder = holderOf(actor, subject)
    const reach = reachOf(holder.subject, 'target:use')
    if (reach !== 'own') return () => reach === 'org'
    const memory = this.#seen.of(rules, holder)
    const at = this.#deps.clock.now()
    return (target) => memory.sees(target, at)
  }
}

function notAllowed(what: string, username: string): KrownError {
  return new KrownError('FORBIDDEN', `no access rule allows you ${what} on this target as ${username}`, {
    details: { permission: 'target:use', targetUsername: username },
  })
}
