import { requirePermission } from '../../access/decide.js'
import type { SelectableTarget } from '../../access/target-selector.js'
import type { Caller } from '../../auth/gate/gate.js'
import type { Clock } from '../../base/clock.js'
import { KrownError, notFound } from '../../errors/krown-error.js'
import type { AccessVerb } from '../../model/access-rule.js'
import type { OrgId, TargetId } from '../../model/ids.js'
import type { AccessSnapshot, AccessSnapshots } from './access-snapshots.js'
import {
  type AccessHolder,
  findOwnRule,
  holderOf,
  isLimited,
  judgeAccess,
  sidesToSee,
} from './judge-access.js'
import type { OrgRules } from './rule-books.js'
import { SeenTargets } from './seen-targets.js'

/** What a session can be opened for; for who may only watch there is nothing to open. */
export const OPENING_VERBS: readonly AccessVerb[] = ['exec', 'shell', 'transfer']

export interface TargetAccessDeps {
  readonly snapshots: AccessSnapshots
  readonly clock: Clock
}

export type TargetFilter = (target: SelectableTarget) => boolean

/** Which sessions somebody may know of, by their targets; null is an ad hoc host. */
export type SightOfSessions = (targetId: TargetId | null) => boolean

/** A session to a target of the inventory. */
export interface SessionOnTarget {
  readonly targetId: TargetId
  /** User name on the target. */
  readonly username: string
}

/** Something that goes on in a session. */
export interface HeldAccess {
  /** Whose it is, as that is now. */
  readonly holder: AccessHolder
  /** Null for an ad hoc host. */
  readonly on: SessionOnTarget | null
  /** Any one of them is needed. */
  readonly verbs: readonly AccessVerb[]
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
   * @param asked.rules As they are now.
   * @param asked.target As it is now; undefined when there is none of that id or name.
   * @param asked.username On the target; default: the target's own.
   * @throws KrownError NOT_FOUND when the caller may not see the target, as when there is none; FORBIDDEN when the
   * caller sees it, but no rule lets it use it as that user.
   */
  requireOpen<T extends SelectableTarget>(
    caller: Caller,
    { rules, target, username }: { rules: OrgRules; target: T | undefined; username: string | undefined },
  ): T {
    const { actor, subject } = caller
    requirePermission(subject, 'target:use')
    if (!target) throw notFound('target')
    const remoteUsername = username ?? target.username
    const asked = { target, verbs: OPENING_VERBS, remoteUsername, at: this.#deps.clock.now() }
    if (judgeAccess(holderOf(actor, subject), rules, asked).allowed) return target
    this.requireVisible(caller, rules, target)
    throw notAllowed('a session', remoteUsername)
  }

  /**
   * Lets a session be opened to a host that is not in the inventory, of which no rule says anything.
   *
   * @throws KrownError FORBIDDEN for an API token that rules name.
   */
  async requireAdhoc({ actor, subject }: Caller): Promise<void> {
    const { token } = holderOf(actor, subject)
    if (token && isLimited(token, await this.#deps.snapshots.currentRules(actor.orgId))) throw onlyByRule()
  }

  /**
   * Lets something be done in a session; of changes by other processes it knows within a second.
   *
   * @param on Null for an ad hoc host.
   * @throws KrownError FORBIDDEN
   */
  async requireVerb(caller: Caller, on: SessionOnTarget | null, verb: AccessVerb): Promise<void> {
    const { actor, subject } = caller
    const holder = holderOf(actor, subject)
    if (on === null && !holder.token) return
    const snapshot = await this.#deps.snapshots.recent(actor.orgId)
    if (this.#isAllowed({ holder, on, verbs: [verb] }, snapshot)) return
    throw on === null ? onlyByRule() : notAllowed(verb, on.username)
  }

  /**
   * Lets something be ended. Who may do so with nothing but a role needs no rule for it: only an API token that rules
   * name does.
   *
   * @param held.verbs Any one of them is needed.
   * @throws KrownError FORBIDDEN
   */
  async requireEnd(
    { actor, subject }: Caller,
    { on, verbs }: Pick<HeldAccess, 'on' | 'verbs'>,
  ): Promise<void> {
    const holder = holderOf(actor, subject)
    if (!holder.token) return
    const snapshot = await this.#deps.snapshots.recent(actor.orgId)
    if (!isLimited(holder.token, snapshot.rules) || this.#isAllowed({ holder, on, verbs }, snapshot)) return
    throw on === null ? onlyByRule() : notAllowed(verbs.join(' or '), on.username)
  }

  /**
   * Tells which sessions the caller may know of, besides whose they are: those on targets that the rules of its API
   * token name for whatever verb. Of changes by other processes it knows within a second.
   *
   * @returns Undefined where no rule narrows it.
   */
  async sightOfSessions({ actor, subject }: Caller): Promise<SightOfSessions | undefined> {
    const { token } = holderOf(actor, subject)
    if (!token) return undefined
    const { targets, rules } = await this.#deps.snapshots.recent(actor.orgId)
    if (!isLimited(token, rules)) return undefined
    const at = this.#deps.clock.now()
    return (targetId) => {
      const target = targetId === null ? undefined : targets.find(targetId)
      return target !== undefined && findOwnRule(token, rules, { target, at }) !== null
    }
  }

  /**
   * Tells which targets the caller may see by these rules: all, or those that rules name for it, and for its API token
   * if rules name that.
   */
  visibleTo({ actor, subject }: Caller, rules: OrgRules): TargetFilter {
    const sides = sidesToSee(subject, holderOf(actor, subject), rules)
    if (sides === null) return () => false
    if (sides.length === 0) return () => true
    const memory = this.#seen.of(rules, sides)
    const at = this.#deps.clock.now()
    return (target) => memory.sees(target, at)
  }

  /** @throws KrownError NOT_FOUND for what {@link visibleTo} leaves out, as for undefined. */
  requireVisible<T extends SelectableTarget>(caller: Caller, rules: OrgRules, target: T | undefined): T {
    if (!target || !this.visibleTo(caller, rules)(target)) throw notFound('target')
    return target
  }

  /** Tells what of what goes on in the organization's sessions may go on. */
  async lastingIn(orgId: OrgId): Promise<(held: HeldAccess) => boolean> {
    const snapshot = await this.#deps.snapshots.current(orgId)
    return (held) => this.#isAllowed(held, snapshot)
  }

  #isAllowed({ holder, on, verbs }: HeldAccess, { targets, rules }: AccessSnapshot): boolean {
    if (on === null) return !isLimited(holder.token, rules)
    const target = targets.find(on.targetId)
    if (!target) return false
    const asked = { target, verbs, remoteUsername: on.username, at: this.#deps.clock.now() }
    return judgeAccess(holder, rules, asked).allowed
  }
}

function notAllowed(what: string, username: string): KrownError {
  return new KrownError('FORBIDDEN', `no access rule allows you ${what} on this target as ${username}`, {
    details: { permission: 'target:use', targetUsername: username },
  })
}

function onlyByRule(): KrownError {
  return new KrownError(
    'FORBIDDEN',
    'access rules name this API token: it reaches targets of the inventory only',
    {
      details: { permission: 'target:use' },
    },
  )
}
