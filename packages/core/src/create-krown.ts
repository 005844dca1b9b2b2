import type { Pool } from 'pg'
import { createIdentity, type Identity } from './auth/create-identity.js'
import type { Authorize } from './auth/gate/gate.js'
import { openLimitStore } from './auth/limits/open-limit-store.js'
import { type Clock, systemClock } from './base/clock.js'
import { newId } from './base/ids.js'
import { type Logger, silentLogger } from './base/logger.js'
import { type Periodic, startPeriodic } from './base/periodic.js'
import { remembered } from './base/remembered.js'
import { createInProcessClient } from './client/in-process-client.js'
import { describeSystem } from './client/system-info.js'
import type { KrownConfig, KrownConfigInput } from './config/krown-config.js'
import { parseConfig } from './config/parse-config.js'
import type { Database } from './db/database.js'
import { KrownError, validationError } from './errors/krown-error.js'
import { Journal } from './journal/journal.js'
import { JournalReader } from './journal-reading/journal-reader.js'
import { JournalTail } from './journal-reading/journal-tail.js'
import type { Krown } from './krown.js'
import { openDatabase } from './open-database.js'
import { openRecordingFolder } from './recordings/folder-recording-store.js'
import type { RecordingStore } from './recordings/recording-store.js'
import { Intake } from './sessions/intake.js'
import { OpenLimits } from './sessions/open-limits.js'
import { SessionSystem } from './sessions/session-system.js'
import type { SshConnector } from './ssh/connector.js'
import { createSshConnector } from './ssh/create-ssh-connector.js'
import { createInventory, type Inventory } from './targets/create-inventory.js'
import { openCredentials, type StoredCredentials } from './targets/credentials/open-credentials.js'
import type { CredentialProvider } from './targets/dialing/hop-credentials.js'
import { interfaceAddresses } from './targets/outbound/address-ranges.js'
import { createOutboundPolicy, type OutboundPolicy } from './targets/outbound/outbound-policy.js'
import { ProtectedEndpoints } from './targets/outbound/protected-endpoints.js'
import { Keyring } from './vault/keyring.js'
import { Vault } from './vault/vault.js'

/** What an embedding program may bring instead of Krown's own. */
export interface KrownParts {
  /** Default: prints nothing. */
  readonly logger: Logger
  /** Time for every timeout, expiry and record. */
  readonly clock: Clock
  /** An existing pool; used instead of `database.url`, and never ended. */
  readonly pgPool: Pool
  /** A rule of the program's own; it can only deny. */
  readonly authorize: Authorize
  /** Where the credentials of targets are that have none stored. */
  readonly credentialProvider: CredentialProvider
  /** Where the files of recordings are, instead of `recordings.dir`; they come encrypted. */
  readonly recordingStore: RecordingStore
  /** Another way to SSH, for tests. */
  readonly sshConnector: SshConnector
}

/** Interfaces come and go, but to ask the operating system for them takes as long as many a query. */
const OWN_ADDRESSES_MS = 1_000
const PURGE_EVERY_MS = 60 * 60_000

/**
 * Opens a gateway: connects to the database, migrates it, cleans up after processes that died, starts its jobs.
 *
 * Without `vault.master_key` nothing is recorded unless `recordings.mode` is given, which then asks for the key.
 *
 * Reads no environment, installs no signal handler, opens no port. `close()` ends everything it began.
 *
 * @param input What is left out has its default; durations and sizes are text such as `"30s"` and `"64KiB"`.
 * @throws KrownError VALIDATION_FAILED with every problem of the configuration in `details.fields`, a master key that
 * stored secrets need and that was not given among them; CONFLICT when
 * another process has the SQLite file open; UNAVAILABLE when the database cannot be reached or migrated.
 *
 * @example
 * await using krown = await createKrown({ dataDir: './data' })
 * const client = krown.as(await krown.actors.system())
 */
export async function createKrown(
  input: KrownConfigInput = {},
  parts: Partial<KrownParts> = {},
): Promise<Krown> {
  return createKrownFrom(withUsualRecordings(parseConfig(input), input), parts)
}

/** The same for a configuration that was parsed already. */
export async function createKrownFrom(config: KrownConfig, parts: Partial<KrownParts> = {}): Promise<Krown> {
  const { logger = silentLogger, clock = systemClock } = parts
  requireKeyForRecordings(config)
  const database = await openDatabase({ config, logger, exclusive: true, pool: parts.pgPool })
  try {
    await database.migrate(config.database.migrate)
    const gateway = await RunningKrown.build({ config, parts, database, clock, logger })
    await gateway.start()
    return gateway
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
}

// An embedding program may have no master key, and nothing that has to be encrypted.
function withUsualRecordings(config: KrownConfig, asked: KrownConfigInput): KrownConfig {
  if (config.vault.masterKey !== '' || asked.recordings?.mode !== undefined) return config
  return { ...config, recordings: { ...config.recordings, mode: 'off' } }
}

function requireKeyForRecordings({ recordings, vault }: KrownConfig): void {
  if (recordings.mode === 'off' || vault.masterKey !== '') return
  throw validationError([{ path: 'vault.master_key', message: 'is needed to encrypt recordings' }])
}

interface BuildContext {
  readonly config: KrownConfig
  readonly parts: Partial<KrownParts>
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
}

interface Assembly {
  readonly context: BuildContext
  readonly journal: Journal
  readonly identity: Identity
  readonly stored: StoredCredentials
  readonly inventory: Inventory
  readonly sessions: SessionSystem
  readonly endpoints: ProtectedEndpoints
}

/** The gateway put together: passes calls on, and begins and ends the parts in their order. */
class RunningKrown implements Krown {
  readonly #assembly: Assembly
  readonly #journalReader: JournalReader
  readonly #journalTail: JournalTail
  #purge: Periodic | undefined
  #closing: Promise<void> | undefined
  #isSetUp = false

  private constructor(assembly: Assembly) {
    this.#assembly = assembly
    const { identity, context, journal } = assembly
    const { gate } = identity
    const { db } = context.database
    this.#journalReader = new JournalReader({ gate, db })
    this.#journalTail = new JournalTail({ gate, db, clock: context.clock, journal })
  }

  static async build(context: BuildContext): Promise<RunningKrown> {
    const { config, database, clock, parts } = context
    const journal = new Journal({ database, clock, newId })
    const limitStore = await openLimitStore(database, { schema: config.database.schema, clock })
    const endpoints = await ProtectedEndpoints.of(config, parts.pgPool)
    const intake = new Intake()
    let sessions: SessionSystem | undefined
    const identity = await createIdentity({
      database,
      journal,
      clock,
      newId,
      limitStore,
      settings: config,
      setupToken: config.auth.setupToken || null,
      authorize: parts.authorize,
      onUserChanged: () => void sessions?.endRevoked(),
    })
    const stored = await openCredentials({
      settings: config.vault,
      store: { database, journal },
      time: { clock, newId },
      gate: identity.gate,
      logger: context.logger,
    })
    const network = createNetwork(context, endpoints)
    const openLimits = new OpenLimits({ store: limitStore, settings: config.ssh })
    const inventory = createInventory({
      settings: config.ssh,
      gate: identity.gate,
      store: { db: database.db, journal },
      time: { clock, newId },
      network,
      credentials: { secrets: stored.secrets, provider: parts.credentialProvider },
      stop: intake.signal,
      countProbe: (actor, place) => openLimits.countProbe(actor, place),
      onChanged: (orgId) => void sessions?.endLostAccess(orgId),
    })
    sessions = createSessions(context, {
      journal,
      identity,
      inventory,
      openLimits,
      intake,
      connector: network.connector,
    })
    return new RunningKrown({ context, journal, identity, stored, inventory, sessions, endpoints })
  }

  async start(): Promise<void> {
    const { sessions, identity, context } = this.#assembly
    await sessions.start()
    this.#purge = startPeriodic(context.clock, PURGE_EVERY_MS, {
      run: () => identity.purge(),
      onError: (err) => context.logger.warn({ err }, 'what has expired could not be deleted'),
    })
  }

  get config() {
    return this.#assembly.context.config
  }

  get auth() {
    return this.#assembly.identity.auth
  }

  get actors(): Krown['actors'] {
    const { external, systemActor } = this.#assembly.identity
    return { external: (identity) => external.external(identity), system: systemActor }
  }

  get draining() {
    return this.#assembly.sessions.draining
  }

  as: Krown['as'] = (actor) => {
    const { identity, stored, inventory, sessions } = this.#assembly
    return createInProcessClient(
      {
        auth: identity.auth,
        users: identity.users,
        logins: identity.logins,
        tokens: identity.tokens,
        invites: identity.invites,
        credentials: stored.credentials,
        targets: { targets: inventory.targets, importer: inventory.importer },
        hostKeys: inventory.hostKeys,
        access: { rules: inventory.accessRules, explainer: inventory.explainer },
        sessions: sessions.manager,
        commands: sessions.commands,
        channels: sessions.channels,
        streams: sessions.streams,
        recordings: sessions.recordings.service,
        recordingDownloads: sessions.recordings.downloads,
        journal: this.#journalReader,
        journalTail: this.#journalTail,
        systemInfo: async () => describeSystem(this.config, await this.setupRequired()),
      },
      actor,
    )
  }

  countRequest: Krown['countRequest'] = (actor) => this.#assembly.identity.countRequest(actor)

  redeemTicket: Krown['redeemTicket'] = (ticket, use, origin) =>
    this.#assembly.sessions.recordings.downloads.redeem(ticket, use, origin)

  requireForOrganization: Krown['requireForOrganization'] = (actor, permission) =>
    this.#assembly.identity.gate.run(actor, { permission }, async ({ reach }) => {
      if (reach === 'org') return
      throw new KrownError('FORBIDDEN', `${permission} is not allowed for the whole organization`, {
        details: { permission },
      })
    })

  protect: Krown['protect'] = (endpoint) => this.#assembly.endpoints.add(endpoint)

  ready = () => this.#assembly.context.database.ping()

  // Once done it stays done, and this is asked by whoever has no account yet.
  async setupRequired(): Promise<boolean> {
    this.#isSetUp ||= !(await this.#assembly.identity.setupRequired())
    return !this.#isSetUp
  }

  drain: Krown['drain'] = (timeoutMs) => this.#assembly.sessions.drain(timeoutMs)

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const { sessions, identity, journal, context } = this.#assembly
    try {
      await sessions.drain(0)
      await this.#purge?.stop()
      await sessions.stop()
      this.#journalTail.stop()
      await identity.flush()
    } catch (err) {
      context.logger.error({ err }, 'closing did not end everything in order')
      throw err
    } finally {
      await journal.settle()
      await context.database[Symbol.asyncDispose]()
    }
  }
}

interface Network {
  readonly connector: SshConnector
  readonly outbound: OutboundPolicy
}

function createNetwork({ config, parts, clock }: BuildContext, endpoints: ProtectedEndpoints): Network {
  const { ssh } = config
  const connector =
    parts.sshConnector ??
    createSshConnector({
      clock,
      connectTimeoutMs: ssh.connectTimeout,
      handshakeTimeoutMs: ssh.handshakeTimeout,
      keepaliveIntervalMs: ssh.keepaliveInterval,
    })
  const outbound = createOutboundPolicy({
    ...ssh.outbound,
    allowAdhocHosts: ssh.allowAdhocHosts,
    ownAddresses: remembered(clock, OWN_ADDRESSES_MS, interfaceAddresses),
    protectedEndpoints: () => endpoints.list(),
  })
  return { connector, outbound }
}

function createSessions(
  { config, parts: given, database, clock, logger }: BuildContext,
  parts: Pick<Assembly, 'journal' | 'identity' | 'inventory'> & {
    connector: SshConnector
    openLimits: OpenLimits
    intake: Intake
  },
): SessionSystem {
  const { journal, identity, inventory, connector, openLimits, intake } = parts
  return new SessionSystem({
    config,
    store: { database, journal },
    openLimits,
    intake,
    time: { clock, newId },
    access: { gate: identity.gate, standings: identity.subjects, systemActor: identity.systemActor },
    network: { connector, dialer: inventory.dialer, credentials: inventory.credentials },
    inventory,
    recordings: {
      settings: config.recordings,
      files: given.recordingStore ?? openRecordingFolder(config),
      vault: new Vault(new Keyring(config.vault)),
    },
    logger,
  })
}
