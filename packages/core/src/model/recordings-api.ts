import type { RecordingId } from './ids.js'
import type { Page } from './page.js'
import type { Recording, RecordingQuery } from './recording.js'

/** What was recorded of sessions. */
export interface RecordingsApi {
  /** Newest first; those that go on and those that were deleted too. */
  list(query?: RecordingQuery): Promise<Page<Recording>>
  get(id: RecordingId): Promise<Recording>
  /**
   * For admins: destroys its file and key; the row and the journal's digest stay. Deleting twice is fine.
   *
   * @throws KrownError `CONFLICT` while it is recorded.
   */
  delete(id: RecordingId): Promise<Recording>
}
