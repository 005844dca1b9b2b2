import type { Gate } from '../../auth/gate/gate.js'
import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Db } from '../../db/database.js'
import type { Journal } from '../../journal/journal.js'
import type { OrgId } from '../../model/ids.js'
import type { OrgTargets } from '../index/org-targets.js'
import { HostKeyAdmin } from './host-key-admin.js'
import { HostKeyImport } from './host-key-import.js'
import { HostKeyProbes, type HostKeyProbesDeps } from './host-key-probes.js'
import { HostKeyRetrust } from './host-key-retrust.js'
import type { KeyStandings } from './key-standing.js'
import { PinWriter } from './pin-writer.js'

export interface HostKeyServicesDeps {
  readonly gate: Gate
  readonly store: { readonly db: Db; readonly journal: Journal }
  readonly time: { readonly clock: Clock; readonly newId: NewId }
  readonly inventory: { of(orgId: OrgId): Promise<OrgTargets> }
  readonly standings: KeyStandings
  readonly asking: Pick<HostKeyProbesDeps, 'admit' | 'showHostKey'>
}

/** What callers do with known host keys. */
export interface HostKeyServices {
  readonly admin: HostKeyAdmin
  readonly probe: HostKeyProbes
  readonly import: HostKeyImport
  readonly retrust: HostKeyRetrust
}

export function createHostKeyServices(deps: HostKeyServicesDeps): HostKeyServices {
  const { gate, store, time, inventory, standings, asking } = deps
  const pins = new PinWriter(time)
  const probe = new HostKeyProbes({ gate, ...store, standings, ...asking })
  return {
    admin: new HostKeyAdmin({ gate, ...store, pins }),
    probe,
    import: new HostKeyImport({ gate, ...store, pins, inventory }),
    retrust: new HostKeyRetrust({ gate, store, clock: time.clock, pins, probe, inventory }),
  }
}
