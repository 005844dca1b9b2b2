import type { JournalEntryId, OrgId, UserId } from '../../model/ids.js'
import type { JournalOutcome } from '../../model/journal.js'

export interface JournalEntriesTable {
  org_id: OrgId
  seq: number
  id: JournalEntryId
  at: number
  /** Copies of what `text` says, to search by; verification compares them. */
  action: string
  outcome: JournalOutcome
  actor_user_id: UserId | null
  resource_id: string | null
  /** Canonical JSON (RFC 8785), exactly as it was hashed. */
  text: string
  /** Canonical JSON of the personal details; null once erased. */
  details: string | null
  salt: string | null
  prev_hash: string
  hash: string
}

/** The newest link of each organization's chain. */
export interface JournalHeadsTable {
  org_id: OrgId
  seq: number
  hash: string
}
