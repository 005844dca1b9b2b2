import type { CompiledQuery } from 'kysely'
import type { JournalDraft } from '../journal/entry.js'
import type { OrgId } from '../model/ids.js'

/** Writes how things ended; what cannot be written now is written later. */
export interface EndWriter {
  /** False when it has to wait; never rejects. */
  write(end: {
    readonly orgId: OrgId
    readonly queries: readonly CompiledQuery[]
    readonly entry: JournalDraft
    /** Without a row to change there is nothing to journal. */
    readonly onlyIfStored?: boolean
  }): Promise<boolean>
}
