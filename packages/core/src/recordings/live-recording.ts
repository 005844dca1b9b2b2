import type { Db } from '../db/database.js'
import { finishRecordingQuery, insertRecordingQuery } from '../db/repositories/recording.repository.js'
import { ConditionNotMet } from '../journal/unit.js'
import type { UnitQuery } from '../journal/unit-query.js'
import type { Actor } from '../model/actor.js'
import type { CommandId, NodeId, OrgId, RecordingId, SessionId, UserId } from '../model/ids.js'
import type { RecordingKind } from '../model/recording.js'
import type { EndWriter } from './end-writer.js'
import type { Recorder, RecorderResult } from './recorder.js'
import { recordingClosed } from './recording-entries.js'
import { recordingUnavailable } from './recording-errors.js'
import type { RecordingKeys, SealedKey } from './recording-keys.js'
import type { RecordingSpace } from './recording-space.js'
import type { RecordingStore } from './recording-store.js'

export interface NewRecording {
  readonly id: RecordingId
  readonly orgId: OrgId
  readonly sessionId: SessionId
  readonly userId: UserId
  readonly kind: RecordingKind
  readonly commandId: CommandId | null
  /** Epoch milliseconds. */
  readonly startedAt: number
}

export interface LiveRecordingParts {
  readonly identity: NewRecording
  readonly actor: Actor
  readonly key: Buffer
  readonly recorder: Recorder
  readonly rows: { db: Db; nodeId: NodeId; results: EndWriter }
  readonly files: { store: RecordingStore; keys: RecordingKeys; space: RecordingSpace }
}

/** A rotation of the master key may come in between, and hardly a second one. */
const MAX_ATTEMPTS = 3

/** A recording that goes on, with its row: from the intent of the first command in it to its digest in the journal. */
export class LiveRecording {
  readonly recorder: Recorder
  readonly #parts: LiveRecordingParts
  #sealed: SealedKey | undefined
  #row: 'none' | 'tried' | 'stored' = 'none'
  #finished: Promise<void> | undefined

  constructor(parts: LiveRecordingParts) {
    this.#parts = parts
    this.recorder = parts.recorder
  }

  get id(): RecordingId {
    return this.#parts.identity.id
  }

  get kind(): RecordingKind {
    return this.#parts.identity.kind
  }

  /**
   * Has `write` commit the row together with what else it writes; commands that begin together each bring it along,
   * until one of them was committed.
   */
  async store(write: (queries: readonly UnitQuery[]) => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await write(this.#row === 'stored' ? [] : this.#intent())
        this.#row = 'stored'
        return
      } catch (error) {
        if (!(error instanceof ConditionNotMet)) throw error
        if (attempt === MAX_ATTEMPTS) throw recordingUnavailable(error)
        await this.#parts.files.keys.load()
        this.#sealed = undefined
      }
    }
  }

  /** Writes the end of the file, then the row and the journal; nothing when there never was a row. Never rejects. */
  finish({ onlyIfStored = false } = {}): Promise<void> {
    this.#finished ??= this.#finish(onlyIfStored)
    return this.#finished
  }

  #intent(): UnitQuery[] {
    const { identity, rows, files } = this.#parts
    this.#row = 'tried'
    this.#sealed ??= files.keys.seal(this.#parts.key, identity.orgId, identity.id)
    const { guard, sealedKey, keyId } = this.#sealed
    const row = {
      id: identity.id,
      org_id: identity.orgId,
      session_id: identity.sessionId,
      user_id: identity.userId,
      node_id: rows.nodeId,
      command_id: identity.commandId,
      kind: identity.kind,
      status: 'recording',
      sealed_key: sealedKey,
      key_id: keyId,
      lost_bytes: 0,
      started_at: identity.startedAt,
    } as const
    return [guard, insertRecordingQuery(rows.db, identity.orgId, row).compile()]
  }

  async #finish(onlyIfStored: boolean): Promise<void> {
    const { identity, files } = this.#parts
    if (this.#row === 'none') {
      await this.recorder.discard()
      await files.store.remove(identity).catch(() => {})
    } else {
      await this.#record(await this.recorder.finish(), onlyIfStored || this.#row !== 'stored')
    }
    this.#parts.key.fill(0)
  }

  async #record(result: RecorderResult, onlyIfStored: boolean): Promise<void> {
    const { identity, actor, rows, files } = this.#parts
    files.space.close(result.fileBytes)
    const set = {
      status: result.complete ? ('closed' as const) : ('incomplete' as const),
      duration_ms: result.durationMs,
      file_bytes: result.fileBytes,
      ended_at: identity.startedAt + result.durationMs,
      lost_bytes: result.lostBytes,
      ...(result.complete && { plain_bytes: result.plainBytes, sha256: result.sha256 }),
    }
    const query = finishRecordingQuery(rows.db, identity.orgId, { id: identity.id, set }).compile()
    const entry = recordingClosed(identity, actor, result)
    await rows.results.write({ orgId: identity.orgId, queries: [query], entry, onlyIfStored })
  }
}
