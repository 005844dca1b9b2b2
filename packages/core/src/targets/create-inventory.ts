import type { Gate } from '../auth/gate/gate.js'
import type { Clock } from '../base/clock.js'
import type { NewId } from '../base/ids.js'
import type { KrownConfig } from '../config/krown-config.js'
import type { Db } from '../db/database.js'
import type { Journal } from '../journal/journal.js'
import type { OrgId } from '../model/ids.js'
import type { SshConnector } from '../ssh/connector.js'
import { PrivateKeyReader } from '../ssh/private-key.js'
import { AccessExplainer } from './access-rules/access-explainer.js'
import { AccessRules } from './access-rules/access-rules.js'
import { AccessSnapshots } from './access-rules/access-snapshots.js'
import { RuleBooks } from './access-rules/rule-books.js'
import { TargetAccess } from './access-rules/target-access.js'
import type { CredentialSecrets } from './credentials/credential-secrets.js'
import { type CredentialProvider, HopCredentials } from './dialing/hop-credentials.js'
import { type CountProbe, ProbeAdmission } from './dialing/probe-admission.js'
import { ShownHostKeys } from './dialing/shown-host-keys.js'
import { TargetDialer } from './dialing/target-dialer.js'
import { createHostKeyServices, type HostKeyServices } from './host-keys/create-host-key-services.js'
import { HostKeys } from './host-keys/host-keys.js'
import { KeyStandings } from './host-keys/key-standing.js'
import { TrustedPatterns } from './host-keys/trusted-patterns.js'
import { InventoryIndex } from './index/inventory-index.js'
import { NewTargetKeys } from './inventory/new-target-keys.js'
import { TargetImporter } from './inventory/target-import.js'
import { TargetReader } from './inventory/target-reader.js'
import { TargetWriter } from './inventory/target-writer.js'
import { Targets } from './inventory/targets.js'
import type { OutboundPolicy } from './outbound/outbound-policy.js'

/** What an organization may reach and how, put together. */
export interface Inventory {
  /** For whoever manages them. */
  readonly targets: Targets
  readonly importer: TargetImporter
  readonly hostKeys: HostKeyServices
  readonly accessRules: AccessRules
  readonly explainer: AccessExplainer
  /** For sessions. */
  readonly snapshots: AccessSnapshots
  readonly access: TargetAccess
  readonly dialer: TargetDialer
  readonly credentials: HopCredentials
}

export interface InventoryDeps {
  readonly settings: KrownConfig['ssh']
  readonly gate: Gate
  readonly store: { db: Db; journal: Journal }
  readonly time: { clock: Clock; newId: NewId }
  readonly network: { connector: SshConnector; outbound: OutboundPolicy }
  readonly credentials: { secrets: CredentialSecrets; provider: CredentialProvider | undefined }
  /** Aborts when Krown drains: nothing is asked for its key any more. */
  readonly stop: AbortSignal
  readonly countProbe: CountProbe
  /** Told after each change of targets or rules. */
  readonly onChanged: (orgId: OrgId) => void
}

export function createInventory(deps: InventoryDeps): Inventory {
  const { settings, store, time, network } = deps
  const index = new InventoryIndex({ db: store.db })
  const snapshots = new AccessSnapshots({
    db: store.db,
    targets: index,
    rules: new RuleBooks({ db: store.db }),
    clock: time.clock,
  })
  const access = new TargetAccess({ snapshots, clock: time.clock })
  const standings = new KeyStandings({ patterns: new TrustedPatterns() })
  const hostKeys = new HostKeys({ ...store, ...time, standings, policy: settings.hostKeyPolicy })
  const credentials = new HopCredentials({
    ...deps.credentials,
    keys: new PrivateKeyReader(time.clock),
    clock: time.clock,
    timeoutMs: settings.connectTimeout,
  })
  const dialer = new TargetDialer({ ...network, hostKeys, credentials })
  const probe = new ShownHostKeys({ index, credentials, dialer, journal: store.journal, stop: deps.stop })
  const { countProbe } = deps
  const admission = new ProbeAdmission({
    ...{ snapshots, access, countProbe },
    outbound: network.outbound,
  })
  const onChanged = (orgId: OrgId) => {
    snapshots.invalidate(orgId)
    deps.onChanged(orgId)
  }
  const writer = new TargetWriter(time)
  const targets = new Targets({
    gate: deps.gate,
    store,
    outbound: network.outbound,
    reader: new TargetReader({ db: store.db, snapshots, access }),
    writing: {
      writer,
      keys: new NewTargetKeys({ probe, hostKeys }),
    },
    onChanged,
  })
  const hostKeyServices = createHostKeyServices({
    gate: deps.gate,
    store,
    time,
    inventory: index,
    standings,
    asking: {
      admit: (caller, place) => admission.admit(caller, place),
      showHostKey: (actor, place, signal) => probe.ask(actor, place, signal),
    },
  })
  const importer = new TargetImporter({
    gate: deps.gate,
    store,
    plan: { outbound: network.outbound, newId: time.newId },
    writer,
    onChanged,
  })
  return {
    targets,
    importer,
    hostKeys: hostKeyServices,
    accessRules: new AccessRules({ gate: deps.gate, ...store, time, onChanged }),
    explainer: new AccessExplainer({ gate: deps.gate, db: store.db, clock: time.clock, snapshots }),
    snapshots,
    access,
    dialer,
    credentials,
  }
}
