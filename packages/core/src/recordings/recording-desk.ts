import type { Clock } from '../base/clock.js'
import type { NewId } from '../base/ids.js'
import type { Logger } from '../base/logger.js'
import type { Db } from '../db/database.js'
import type { Actor } from '../model/actor.js'
import type { NodeId, RecordingId } from '../model/ids.js'
import type { EndWriter } from './end-writer.js'
import { FrameWriter } from './frame-writer.js'
import { LiveRecording, type NewRecording } from './live-recording.js'
import { Recorder, type RecorderTrouble } from './recorder.js'
import { recordingFailed } from './recording-entries.js'
import type { RecordingKeys } from './recording-keys.js'
import type { RecordingSpace } from './recording-space.js'
import type { RecordingStore } from './recording-store.js'

export interface RecordingSettings {
  readonly mode: 'strict' | 'best-effort'
  readonly recordInput: boolean
  /** Of one file, bytes. */
  readonly maxSession: number
}

export interface RecordingDeskDeps {
  readonly settings: RecordingSettings
  readonly files: { store: RecordingStore; space: RecordingSpace; keys: RecordingKeys }
  readonly rows: { db: Db; nodeId: NodeId; results: EndWriter }
  readonly time: { clock: Clock; newId: NewId }
  readonly logger: Logger
}

/** Begins recordings. */
export class RecordingDesk {
  readonly #deps: RecordingDeskDeps

  constructor(deps: RecordingDeskDeps) {
    this.#deps = deps
  }

  get recordsInput(): boolean {
    return this.#deps.settings.recordInput
  }

  /** Something wants to run. @throws KrownError AUDIT_UNAVAILABLE when there is no room for its recording. */
  async requireRoom(): Promise<void> {
    const { settings, files } = this.#deps
    if (settings.mode === 'strict') await files.space.require()
  }

  /** Nothing is written yet, neither row nor file. */
  begin(actor: Actor, what: Omit<NewRecording, 'id' | 'orgId' | 'startedAt'>): LiveRecording {
    const { files, rows, time } = this.#deps
    const id = time.newId<RecordingId>()
    const identity = { ...what, id, orgId: actor.orgId, startedAt: time.clock.now() }
    const key = files.keys.make()
    const recorder = this.#createRecorder(actor, identity, key)
    return new LiveRecording({ identity, actor, key, recorder, rows, files })
  }

  #createRecorder(actor: Actor, identity: NewRecording, key: Buffer): Recorder {
    const { settings, files, time, logger } = this.#deps
    const { id: recordingId, orgId, sessionId, kind, startedAt } = identity
    const header = { recordingId, orgId, sessionId, kind, startedAt: new Date(startedAt).toISOString() }
    return new Recorder({
      clock: time.clock,
      writer: new FrameWriter({ store: files.store, header, key }),
      mode: settings.mode,
      maxBytes: settings.maxSession,
      space: files.space,
      startedAt,
      onTrouble: (trouble) => this.#report(actor, identity, trouble),
      onNearlyFull: () => logger.warn({ recordingId, sessionId }, 'a recording is at 80 % of max_session'),
    })
  }

  #report(actor: Actor, identity: NewRecording, trouble: RecorderTrouble): void {
    const { settings, rows, logger } = this.#deps
    const { mode } = settings
    const why = 'error' in trouble ? { err: trouble.error } : {}
    const fields = { recordingId: identity.id, mode, reason: trouble.reason, ...why }
    logger.error(fields, 'a recording cannot be written')
    const entry = recordingFailed(identity, actor, { mode, trouble })
    void rows.results.write({ orgId: identity.orgId, queries: [], entry })
  }
}
