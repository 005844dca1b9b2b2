import type { Gate } from '../../auth/gate/gate.js'
import { Tickets } from '../../auth/tokens/tickets.js'
import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Logger } from '../../base/logger.js'
import type { KrownConfig } from '../../config/krown-config.js'
import type { Database } from '../../db/database.js'
import type { Journal } from '../../journal/journal.js'
import type { SystemActor } from '../../model/actor.js'
import type { NodeId, OrgId } from '../../model/ids.js'
import type { EndWriter } from '../../recordings/end-writer.js'
import { RecordingDesk } from '../../recordings/recording-desk.js'
import { RecordingKeys } from '../../recordings/recording-keys.js'
import { RecordingSpace } from '../../recordings/recording-space.js'
import type { RecordingStore } from '../../recordings/recording-store.js'
import type { Vault } from '../../vault/vault.js'
import { purgeRecordings } from './job-purge-recordings.js'
import { RecordingDownloads } from './recording-downloads.js'
import { RecordingService } from './recording-service.js'
import { SessionRecordings } from './session-recordings.js'

/** Where recordings go, and what encrypts them. */
export interface RecordingPlaces {
  readonly settings: KrownConfig['recordings']
  readonly files: RecordingStore
  readonly vault: Vault
}

export interface RecordingSystemDeps {
  readonly places: RecordingPlaces
  readonly store: { database: Database; journal: Journal; results: EndWriter }
  readonly time: { clock: Clock; newId: NewId }
  readonly access: { gate: Gate; systemActor(orgId: OrgId): Promise<SystemActor> }
  readonly nodeId: NodeId
  readonly logger: Logger
}

/** Recording, and what is done with recordings. */
export class RecordingSystem {
  readonly service: RecordingService
  readonly downloads: RecordingDownloads
  /** Undefined when nothing is recorded. */
  readonly ofSessions: SessionRecordings | undefined
  readonly #deps: RecordingSystemDeps
  readonly #keys: RecordingKeys
  readonly #space: RecordingSpace

  constructor(deps: RecordingSystemDeps) {
    const { places, store, time, access, logger } = deps
    const { clock } = time
    const { database, journal } = store
    const { minFree, maxTotal } = places.settings
    this.#deps = deps
    this.#keys = new RecordingKeys({ database, vault: places.vault })
    this.#space = new RecordingSpace({ store: places.files, clock, logger, minFree, maxTotal })
    this.service = new RecordingService({
      gate: access.gate,
      db: database.db,
      clock,
      journal,
      files: { store: places.files, keys: this.#keys },
      logger,
    })
    this.downloads = new RecordingDownloads({ service: this.service, journal, tickets: new Tickets(clock) })
    this.ofSessions = this.#createRecordings()
  }

  async start(): Promise<void> {
    await this.#keys.load()
    await this.purge()
  }

  /** Deletes what is too old. */
  async purge(): Promise<void> {
    const { places, store, time, access, logger } = this.#deps
    const { database, journal } = store
    await purgeRecordings(
      {
        db: database.db,
        space: this.#space,
        systemActor: access.systemActor,
        clock: time.clock,
        journal,
        store: places.files,
        logger,
      },
      places.settings.retention,
    )
  }

  #createRecordings(): SessionRecordings | undefined {
    const { places, store, time, nodeId, logger } = this.#deps
    const { mode, recordInput, maxSession } = places.settings
    if (mode === 'off') return undefined
    const desk = new RecordingDesk({
      settings: { mode, recordInput, maxSession },
      files: { store: places.files, space: this.#space, keys: this.#keys },
      rows: { db: store.database.db, nodeId, results: store.results },
      time,
      logger,
    })
    return new SessionRecordings(desk)
  }
}
