import type { Gate } from '../auth/gate/gate.js'
import type { Clock } from '../base/clock.js'
import type { NewId } from '../base/ids.js'
import type { Logger } from '../base/logger.js'
import { type Periodic, startPeriodic } from '../base/periodic.js'
import type { KrownConfig } from '../config/krown-config.js'
import type { Database } from '../db/database.js'
import type { Journal } from '../journal/journal.js'
import type { SystemActor } from '../model/actor.js'
import type { NodeId, OrgId } from '../model/ids.js'
import type { SshConnector } from '../ssh/connector.js'
import type { AccessSnapshots } from '../targets/access-rules/access-snapshots.js'
import type { TargetAccess } from '../targets/access-rules/target-access.js'
import type { HopCredentials } from '../targets/dialing/hop-credentials.js'
import type { TargetDialer } from '../targets/dialing/target-dialer.js'
import { ChannelFinder } from './channels/channel-finder.js'
import { ChannelService } from './channels/channel-service.js'
import { CommandLauncher } from './commands/command-launcher.js'
import { CommandService } from './commands/command-service.js'
import { CommandStatements } from './commands/command-statements.js'
import { ResultJournal } from './commands/result-journal.js'
import { EventStreams } from './events/event-streams.js'
import { SessionEvents } from './events/session-events.js'
import type { Intake } from './intake.js'
import { endIdleSessions } from './job-end-idle-sessions.js'
import { endLostAccess, type HolderSource } from './job-end-lost-access.js'
import { endRevokedSessions } from './job-end-revoked-sessions.js'
import { HEARTBEAT_EVERY_MS, NodeMembership } from './nodes/node-membership.js'
import type { OpenLimits } from './open-limits.js'
import { type RecordingPlaces, RecordingSystem } from './recordings/recording-system.js'
import { SessionCloser } from './session-closer.js'
import { SessionFinder } from './session-finder.js'
import { SessionOpener } from './session-opener.js'
import { SessionPlanner } from './session-planner.js'
import { SessionRegistry } from './session-registry.js'
import { SshManager } from './ssh-manager.js'

export interface SessionSystemDeps {
  readonly config: Pick<KrownConfig, 'ssh' | 'limits'>
  readonly store: { database: Database; journal: Journal }
  readonly openLimits: OpenLimits
  /** Closed when the drain begins. */
  readonly intake: Intake
  readonly time: { clock: Clock; newId: NewId }
  readonly access: { gate: Gate; standings: HolderSource; systemActor(orgId: OrgId): Promise<SystemActor> }
  readonly network: { connector: SshConnector; dialer: TargetDialer; credentials: HopCredentials }
  readonly inventory: { snapshots: AccessSnapshots; access: TargetAccess }
  readonly recordings: RecordingPlaces
  readonly logger: Logger
}

const REVOCATION_CHECK_MS = 2_000
const IDLE_CHECK_MS = 5_000
const PURGE_RECORDINGS_MS = 10 * 60_000

/** Everything that lives with the sessions of one process, from the sweep at start to the drain at the end. */
export class SessionSystem {
  readonly manager: SshManager
  readonly commands: CommandService
  readonly channels: ChannelService
  readonly streams: EventStreams
  readonly recordings: RecordingSystem
  readonly #deps: SessionSystemDeps
  readonly #intake: Intake
  readonly #registry = new SessionRegistry()
  readonly #results: ResultJournal
  readonly #launcher: CommandLauncher
  readonly #events: SessionEvents
  readonly #closer: SessionCloser
  readonly #node: NodeMembership
  #jobs: Periodic[] = []

  constructor(deps: SessionSystemDeps) {
    const { store, time } = deps
    const nodeId = time.newId<NodeId>()
    this.#deps = deps
    this.#intake = deps.intake
    this.#results = new ResultJournal({
      journal: store.journal,
      clock: time.clock,
      logger: deps.logger,
    })
    this.recordings = this.#createRecordings(nodeId)
    this.#launcher = this.#createLauncher(nodeId)
    this.#events = new SessionEvents({
      clock: time.clock,
      findOutput: (orgId, id) => this.#launcher.find(orgId, id)?.hub,
    })
    this.#closer = new SessionCloser({
      db: store.database.db,
      clock: time.clock,
      results: this.#results,
      registry: this.#registry,
      events: this.#events,
      recordings: this.recordings.ofSessions,
      systemActor: deps.access.systemActor,
    })
    this.#node = this.#createNode(nodeId)
    const { access } = deps.inventory
    const finder = new SessionFinder({ db: store.database.db, registry: this.#registry, access })
    this.manager = this.#createManager(nodeId, finder)
    this.commands = this.#createCommands(finder)
    this.channels = this.#createChannels(finder)
    this.streams = this.#createStreams()
  }

  get draining(): boolean {
    return this.#intake.closed
  }

  /** Cleans up after processes that died, then starts the periodic jobs. */
  async start(): Promise<void> {
    await this.#node.join()
    await this.recordings.start()
    const { idleTimeout } = this.#deps.config.ssh
    const sessions = { registry: this.#registry, closer: this.#closer }
    this.#jobs = [
      this.#every(HEARTBEAT_EVERY_MS, 'heartbeat', () => this.#node.beat()),
      this.#every(IDLE_CHECK_MS, 'idle sessions', () => endIdleSessions(sessions, idleTimeout)),
      this.#every(REVOCATION_CHECK_MS, 'revoked sessions', () => this.#endRevoked()),
      this.#every(REVOCATION_CHECK_MS, 'lost access', () => this.#endLostAccess()),
      this.#every(PURGE_RECORDINGS_MS, 'old recordings', () => this.recordings.purge()),
    ]
  }

  /** Somebody's rights changed in this process: no need to wait for the jobs. */
  async endRevoked(): Promise<void> {
    await this.#endNow(() => Promise.all([this.#endRevoked(), this.#endLostAccess()]))
  }

  /** Targets or rules of the organization changed in this process: likewise. */
  async endLostAccess(orgId: OrgId): Promise<void> {
    await this.#endNow(() => this.#endLostAccess(orgId))
  }

  async drain(timeoutMs: number): Promise<void> {
    await this.manager.drain(timeoutMs)
  }

  /** After a drain: stops the jobs and writes what is late. */
  async stop(): Promise<void> {
    await Promise.all(this.#jobs.map((job) => job.stop()))
    this.#events.stop()
    await this.#deps.network.connector[Symbol.asyncDispose]()
    await this.#results.flush()
    this.#results.stop()
    await this.#node
      .leave()
      .catch((err) => this.#deps.logger.warn({ err }, 'could not leave the list of nodes'))
  }

  async #endNow(work: () => Promise<unknown>): Promise<void> {
    await work().catch((err) => this.#noteNotEnded(err))
  }

  #endRevoked(): Promise<void> {
    return endRevokedSessions(this.#endingParts())
  }

  #endLostAccess(only?: OrgId): Promise<void> {
    return endLostAccess({ ...this.#endingParts(), access: this.#deps.inventory.access }, only)
  }

  #endingParts() {
    const inBackground = (ending: Promise<unknown>) => {
      ending.catch((err) => this.#noteNotEnded(err))
    }
    const { standings } = this.#deps.access
    return { registry: this.#registry, closer: this.#closer, standings, inBackground }
  }

  #noteNotEnded(err: unknown): void {
    this.#deps.logger.warn({ err }, 'what lost its access could not be ended')
  }

  #createNode(nodeId: NodeId): NodeMembership {
    const { store, time, access } = this.#deps
    const { database, journal } = store
    const sweep = { db: database.db, journal, clock: time.clock, systemActor: access.systemActor }
    const onTakenForDead = () => this.#endSwept()
    return new NodeMembership({ database, clock: time.clock, nodeId, sweep, onTakenForDead })
  }

  // Nobody could see or end them any more: their rows say that they are over.
  #endSwept(): void {
    const sessions = this.#registry.all()
    if (sessions.length === 0) return
    this.#deps.logger.warn(
      { sessions: sessions.length },
      'other processes took this one for dead; it ends the sessions that it still held',
    )
    for (const live of sessions) void this.#closer.closeSwept(live)
  }

  #createManager(nodeId: NodeId, finder: SessionFinder): SshManager {
    const { config, store, openLimits, time, access, network, inventory } = this.#deps
    const { db } = store.database
    const opener = new SessionOpener({
      store: { db, journal: store.journal, results: this.#results },
      time,
      nodeId,
      events: this.#events,
      limits: {
        perUser: config.ssh.maxSessionsPerUser,
        perOrg: config.ssh.maxSessionsPerOrg,
        channelsPerSession: config.ssh.maxChannelsPerSession,
      },
      dialing: network,
    })
    return new SshManager({
      gate: access.gate,
      access: inventory.access,
      db,
      clock: time.clock,
      intake: this.#intake,
      openLimits,
      maxSessions: config.ssh.maxSessions,
      sessions: {
        registry: this.#registry,
        finder,
        planner: new SessionPlanner({ gate: access.gate, ...inventory }),
        opener,
        closer: this.#closer,
      },
    })
  }

  #createLauncher(nodeId: NodeId): CommandLauncher {
    const { store, time } = this.#deps
    const { db } = store.database
    return new CommandLauncher({
      db,
      statements: new CommandStatements(db),
      journal: store.journal,
      results: this.#results,
      clock: time.clock,
      nodeId,
      recordings: this.recordings.ofSessions,
    })
  }

  #createRecordings(nodeId: NodeId): RecordingSystem {
    const { recordings, store, time, access, logger } = this.#deps
    return new RecordingSystem({
      places: recordings,
      store: { ...store, results: this.#results },
      time,
      access,
      nodeId,
      logger,
    })
  }

  #createStreams(): EventStreams {
    const { store, time, access, inventory } = this.#deps
    return new EventStreams({
      gate: access.gate,
      access: inventory.access,
      db: store.database.db,
      clock: time.clock,
      events: this.#events,
      registry: this.#registry,
    })
  }

  #createCommands(sessions: SessionFinder): CommandService {
    const { config, store, time, access, inventory } = this.#deps
    const { journal, database } = store
    return new CommandService({
      gate: access.gate,
      db: database.db,
      time,
      limits: {
        defaultTimeoutMs: config.ssh.commandTimeout,
        maxTimeoutMs: config.ssh.maxCommandTimeout,
        maxOutputBytes: config.limits.execOutput,
      },
      sessions,
      access: inventory.access,
      launcher: this.#launcher,
      results: this.#results,
      journal,
      intake: this.#intake,
    })
  }

  #createChannels(sessions: SessionFinder): ChannelService {
    const { store, time, access, inventory } = this.#deps
    const registry = this.#registry
    return new ChannelService({
      gate: access.gate,
      clock: time.clock,
      sessions,
      registry,
      access: inventory.access,
      channels: new ChannelFinder({
        db: store.database.db,
        launcher: this.#launcher,
        access: inventory.access,
      }),
      journal: store.journal,
      results: this.#results,
    })
  }

  #every(everyMs: number, what: string, run: () => Promise<void>): Periodic {
    const onError = (err: unknown) => this.#deps.logger.warn({ err, job: what }, 'a periodic job failed')
    return startPeriodic(this.#deps.time.clock, everyMs, { run, onError })
  }
}
