import type { RecordingId } from './ids.js'
import type { Page } from './page.js'
import type { Recording, RecordingQuery } from './recording.js'
import type { DownloadRecordingOptions, RecordingFormat, RecordingTicket } from './recording-export.js'

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
  /**
   * What was recorded, as a file of another format, in pieces; of a recording that goes on what there is by now. Nothing
   * is asked for before the first piece is. Each is journaled.
   *
   * @throws KrownError with the first piece: `NOT_FOUND`, `CONFLICT` when it was deleted, `UNAVAILABLE` when its file is
   * not there.
   */
  download(id: RecordingId, options?: DownloadRecordingOptions): AsyncIterable<Uint8Array>
  /** Leave to download it once, in this format, without an `Authorization` header. */
  createTicket(id: RecordingId, options?: { format?: RecordingFormat | undefined }): Promise<RecordingTicket>
}
