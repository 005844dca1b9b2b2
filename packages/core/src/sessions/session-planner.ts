import type { Caller, Gate } from '../auth/gate/gate.js'
import { isKrownError } from '../errors/krown-error.js'
import type { Actor } from '../model/actor.js'
import type { TargetId } from '../model/ids.js'
import type { AdhocSessionInput, OpenSessionInput, TargetSessionInput } from '../model/open-session.js'
import type { AccessSnapshot, AccessSnapshots } from '../targets/access-rules/access-snapshots.js'
import type { TargetAccess } from '../targets/access-rules/target-access.js'
import { jumpsTo, lastHopTo, type UnsettledPlan } from '../targets/dialing/dial-plan.js'
import { canonicalHost, DEFAULT_SSH_PORT } from '../targets/outbound/parse-host.js'

export interface SessionPlannerDeps {
  readonly gate: Gate
  readonly snapshots: AccessSnapshots
  readonly access: TargetAccess
}

interface NamedTarget {
  readonly id: TargetId
  /** In which it has that name. */
  readonly snapshot: AccessSnapshot
}

/** Finds out where a session goes, and whether the caller may open it there. */
export class SessionPlanner {
  readonly #deps: SessionPlannerDeps

  constructor(deps: SessionPlannerDeps) {
    this.#deps = deps
  }

  /** @throws KrownError NOT_FOUND for a target that the caller may not see; FORBIDDEN for one that it may not use. */
  async plan(actor: Actor, input: OpenSessionInput): Promise<UnsettledPlan> {
    return isAdhoc(input) ? adhocPlan(input) : this.#planTo(actor, input)
  }

  /** @throws KrownError FORBIDDEN when the caller may not open sessions to hosts that are not in the inventory. */
  async requireReach(caller: Caller, { last }: UnsettledPlan): Promise<void> {
    if (last.targetId === null) await this.#deps.access.requireAdhoc(caller)
  }

  async #planTo(actor: Actor, { targetId, targetName, ...own }: TargetSessionInput): Promise<UnsettledPlan> {
    const { gate, snapshots, access } = this.#deps
    const { id, snapshot } =
      targetId === undefined ? await this.#lookUp(actor, targetName) : { id: targetId, snapshot: undefined }
    const resource = { kind: 'target', id }
    return gate.run(actor, { permission: 'target:use', resource }, async (caller) => {
      // The same that the name was looked up in: what ends right after a verdict ends what it allowed.
      const { targets, rules } = snapshot ?? (await snapshots.current(actor.orgId))
      const found = targets.find(id)
      // Judged as whom it is dialled as, and before the way there is looked at.
      const username = found && lastHopTo(found, own).username
      const target = access.requireOpen(caller, { rules, target: found, username })
      return { jumps: jumpsTo(targets, target.jumpTargetId), last: lastHopTo(target, own) }
    })
  }

  /** First of all, so that whoever decides by a target's id is asked about that, whatever the caller calls it. */
  async #lookUp(actor: Actor, targetName: string): Promise<NamedTarget> {
    const { gate, snapshots, access } = this.#deps
    const useCase = { permission: 'target:use', lookup: { targetName } } as const
    return gate.run(actor, useCase, async (caller) => {
      const snapshot = await snapshots.current(actor.orgId)
      const { targets, rules } = snapshot
      const { id } = access.requireVisible(caller, rules, targets.findByName(targetName))
      return { id, snapshot }
    })
  }
}

function isAdhoc(input: OpenSessionInput): input is AdhocSessionInput {
  return input.targetId === undefined && input.targetName === undefined
}

function adhocPlan({
  host: written,
  port = DEFAULT_SSH_PORT,
  username,
  auth,
}: AdhocSessionInput): UnsettledPlan {
  const host = spellingOf(written)
  return {
    jumps: [],
    last: {
      ...{ name: host, host, port, username },
      auth: { kind: 'given', auth },
      legacyAlgorithms: false,
      targetId: null,
      via: null,
    },
  }
}

function spellingOf(host: string): string {
  try {
    return canonicalHost(host)
  } catch (error) {
    // The policy refuses it again, where the refusal is journaled with a row.
    if (isKrownError(error) && error.code === 'TARGET_POLICY_DENIED') return host.toLowerCase()
    throw error
  }
}
