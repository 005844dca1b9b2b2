import type { Caller } from '../../auth/gate/gate.js'
import type { HostPlaceKey } from '../../db/repositories/host-key.repository.js'
import type { Actor } from '../../model/actor.js'
import type { AccessSnapshots } from '../access-rules/access-snapshots.js'
import type { TargetAccess } from '../access-rules/target-access.js'
import type { OutboundPolicy } from '../outbound/outbound-policy.js'

export interface ProbeAdmissionDeps {
  readonly snapshots: AccessSnapshots
  readonly access: TargetAccess
  readonly outbound: OutboundPolicy
  readonly countProbe: CountProbe
}

/** Counts a look at the key of a host, which may be one outside the inventory. @throws KrownError RATE_LIMITED */
export type CountProbe = (
  actor: Actor,
  place: { readonly host: string; readonly port: number; readonly adhoc: boolean },
) => Promise<void>

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
   * @throws KrownError FORBIDDEN for an ad hoc host and an API token that rules name; TARGET_POLICY_DENIED, RATE_LIMITED
   */
  async admit(caller: Caller, place: HostPlaceKey): Promise<void> {
    const adhoc = !(await this.#seesTargetAt(caller, place))
    if (adhoc) await this.#deps.access.requireAdhoc(caller)
    await this.#deps.countProbe(caller.actor, { ...place, adhoc })
    this.#deps.outbound.checkRequest(place.host, place.port, { adhoc })
  }

  async #seesTargetAt(caller: Caller, place: HostPlaceKey): Promise<boolean> {
    const { snapshots, access } = this.#deps
    const { targets, rules } = await snapshots.current(caller.actor.orgId)
    return targets.at(place).some(access.visibleTo(caller, rules))
  }
}
