import { requireRow } from '../../access/decide.js'
import type { Permission } from '../../access/permission-table.js'
import type { Caller, Gate } from '../../auth/gate/gate.js'
import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import type { Db } from '../../db/database.js'
import {
  findRecording,
  findRecordingKey,
  listRecordings,
} from '../../db/repositories/recording.repository.js'
import { KrownError, notFound } from '../../errors/krown-error.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { OrgId, RecordingId } from '../../model/ids.js'
import type { Page } from '../../model/page.js'
import type { Recording, RecordingQuery } from '../../model/recording.js'
import type { RecordingKeys } from '../../recordings/recording-keys.js'
import { RecordingReader } from '../../recordings/recording-reader.js'
import type { RecordingStore } from '../../recordings/recording-store.js'
import { buryOne } from './bury-recording.js'

export interface RecordingServiceDeps {
  readonly gate: Gate
  readonly db: Db
  readonly clock: Clock
  readonly journal: Journal
  readonly files: { store: RecordingStore; keys: RecordingKeys }
  readonly logger: Logger
}

/** A recording and its content. */
export interface OpenedRecording {
  readonly recording: Recording
  /** To be closed by who asked. */
  readonly reader: RecordingReader
}

/** What a caller may do with recordings: the rules of every door. */
export class RecordingService {
  readonly #deps: RecordingServiceDeps

  constructor(deps: RecordingServiceDeps) {
    this.#deps = deps
  }

  async list(actor: Actor, query: RecordingQuery): Promise<Page<Recording>> {
    const { gate, db } = this.#deps
    return gate.run(actor, { permission: 'recording:read' }, async ({ reach, subject }) => {
      const owner = reach === 'org' ? undefined : subject.userId
      return listRecordings(db, actor.orgId, { query, owner })
    })
  }

  async get(actor: Actor, id: RecordingId): Promise<Recording> {
    return this.#with(actor, { id, permission: 'recording:read' }, async (recording) => recording)
  }

  /**
   * For whoever plays or exports it; one that goes on is read up to what was written.
   *
   * @throws KrownError NOT_FOUND; CONFLICT when it was deleted; UNAVAILABLE when its file is not on this machine;
   * INTERNAL when the file is not its own.
   */
  async open(actor: Actor, id: RecordingId): Promise<OpenedRecording> {
    return this.#with(actor, { id, permission: 'recording:read' }, async (recording) => {
      return { recording, reader: await this.#openReader(actor.orgId, recording) }
    })
  }

  /** See `KrownClient.recordings.delete`. */
  async delete(actor: Actor, id: RecordingId): Promise<Recording> {
    return this.#with(actor, { id, permission: 'recording:manage' }, async (recording) => {
      if (recording.status === 'recording') throw new KrownError('CONFLICT', 'it is still being recorded')
      const { clock, journal, files, logger } = this.#deps
      const deps = { clock, journal, store: files.store, logger }
      await buryOne(deps, { recording, actor, reason: 'request' })
      return (await findRecording(this.#deps.db, actor.orgId, id)) ?? recording
    })
  }

  async #openReader(orgId: OrgId, { id, status }: Recording): Promise<RecordingReader> {
    const { db, files } = this.#deps
    const sealed = await findRecordingKey(db, orgId, id)
    if (!sealed) throw new KrownError('CONFLICT', 'the recording was deleted')
    const key = files.keys.open(sealed)
    const source = await files.store.open({ orgId, id })
    if (!source) throw isAbsent(status)
    try {
      return await RecordingReader.open(source, { recordingId: id, orgId, key })
    } catch (error) {
      await source.close()
      throw error
    }
  }

  async #with<T>(
    actor: Actor,
    { id, permission }: { id: RecordingId; permission: Permission },
    work: (recording: Recording) => Promise<T>,
  ): Promise<T> {
    const useCase = { permission, resource: { kind: 'recording', id } }
    return this.#deps.gate.run(actor, useCase, async (caller) =>
      work(await this.#find(caller, { id, permission })),
    )
  }

  async #find(
    { actor, subject }: Caller,
    { id, permission }: { id: RecordingId; permission: Permission },
  ): Promise<Recording> {
    const recording = await findRecording(this.#deps.db, actor.orgId, id)
    const rights = { wanted: permission, visible: 'recording:read' as const, noun: 'recording' }
    requireRow(subject, rights, recording)
    if (!recording) throw notFound('recording')
    return recording
  }
}

function isAbsent(status: Recording['status']): KrownError {
  const why = status === 'recording' ? 'nothing was recorded yet' : 'its file is not on this machine'
  return new KrownError('UNAVAILABLE', `the recording cannot be read: ${why}`)
}
