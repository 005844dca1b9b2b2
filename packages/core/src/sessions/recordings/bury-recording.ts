import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import { buryRecording } from '../../db/repositories/recording.repository.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Recording } from '../../model/recording.js'
import { recordingDeleted } from '../../recordings/recording-entries.js'
import type { RecordingStore } from '../../recordings/recording-store.js'

export interface BurialDeps {
  readonly clock: Clock
  readonly journal: Journal
  readonly store: RecordingStore
  readonly logger: Logger
}

interface Burial {
  readonly recording: Recording
  readonly actor: JournalDraft['actor']
  readonly reason: 'request' | 'retention'
}

/**
 * Destroys key and file, and leaves the row; does nothing to one that was deleted before. Without its key the file is
 * noise, so the key goes first, with the entry that says so.
 */
export async function buryOne(deps: BurialDeps, { recording, actor, reason }: Burial): Promise<void> {
  const { id, orgId } = recording
  await deps.journal.transact(
    orgId,
    (trx) => buryRecording(trx, orgId, { id, at: deps.clock.now() }),
    (buried) => (buried ? [recordingDeleted(recording, actor, reason)] : []),
  )
  await deps.store
    .remove({ orgId, id })
    .catch((err: unknown) =>
      deps.logger.warn({ err, recordingId: id }, 'the file of a deleted recording is still there'),
    )
}
