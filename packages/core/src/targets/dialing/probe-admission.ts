import type { Caller } from '../../auth/gate/gate.js'
import type { Db } from '../../db/database.js'
import type { HostPlaceKey } from '../../db/repositories/host-key.repository.js'
import { listTargetIdsAt } from '../../db/repositories/host-key-place.repository.js'
import type { Actor } from '../../model/actor.js'
import type { AccessSnapshots } from '../access-rules/access-snapshots.js'
import type { TargetAccess } from '../access-rules/target-access.js'
import type { OutboundPolicy } from '../outbound/outbound-policy.js'

export interface ProbeAdmissionDeps {
  readonly db: Db
  readonly snapshots: AccessSnapshots
  readonly access: TargetAccess
  readonly outbound: OutboundPolicy
  /** Counts an attempt at a host outside the inventory. @throws KrownError RATE_LIMITED */
  readonly countAdhoc: (actor: Actor, place: { host: string; port: number }) => Promise<void>
}

/** Which hosts may be asked for their keys, whoever asks. */
export class ProbeAdmission {
  readonly #deps: ProbeAdmissionDeps

  constructor(deps: ProbeAdmissionDeps) {
    this.#deps = deps
  }

  /**
   * Lets a host be asked that the caller names: it is an ad hoc one unless it is a target that the caller may see, or
   * who may see none could find out by this what there is.
   *
   * @throws KrownError TARGET_POLICY_DENIED, RATE_LIMITED
   */
  async admit(caller: Caller, place: HostPlaceKey): Promise<void> {
    const adhoc = !(await this.#seesTargetAt(caller, place))
    if (adhoc) await this.#deps.countAdhoc(caller.actor, place)
    this.#deps.outbound.checkRequest(place.host, place.port, { adhoc })
  }

  async #seesTargetAt(caller: Caller, place: HostPlaceKey): Promise<boolean> {
    const { db, snapshots, access } = this.#deps
    const ids = await listTargetIdsAt(db, caller.actor.orgId, place)
    if (ids.length === 0) return false
    const { targets, rules } = await snapshots.current(caller.actor.orgId)
    const isVisible = access.visibleTo(caller, rules)
    return ids.some((id) => {
      const target = targets.find(id)
      return target !== undefined && isVisible(target)
    })
  }
}
