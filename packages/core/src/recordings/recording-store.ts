import type { OrgId, RecordingId } from '../model/ids.js'

/** Which file it is. Ids are the database's, never a caller's text. */
export interface RecordingPlace {
  readonly orgId: OrgId
  readonly id: RecordingId
}

/** A file that is being written, by one writer. */
export interface RecordingSink {
  /** Resolves when the operating system has all of it. One call at a time. */
  write(pieces: readonly Buffer[], at: number): Promise<void>
  /** Resolves when what was written before survives the loss of power. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** A file that is read, whole or still growing. */
export interface RecordingSource {
  /** @returns How many bytes there were for it: fewer at the end. */
  read(into: Buffer, at: number): Promise<number>
  size(): Promise<number>
  close(): Promise<void>
}

/** Where the files of recordings are. They are encrypted before they come here. */
export interface RecordingStore {
  /** Fails when there is one already. */
  create(place: RecordingPlace): Promise<RecordingSink>
  /** @returns Undefined when there is none. */
  open(place: RecordingPlace): Promise<RecordingSource | undefined>
  /** Removing what is not there is fine. */
  remove(place: RecordingPlace): Promise<void>
  /** What can still be written, bytes. */
  freeBytes(): Promise<number>
}
