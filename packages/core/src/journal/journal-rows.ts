import type { JournalEntriesTable } from '../db/tables/journal.table.js'
import type { ApiTokenId } from '../model/ids.js'
import type { JournalEntry } from '../model/journal.js'

interface EntryText {
  readonly actor: { readonly kind: string; readonly tokenId?: ApiTokenId }
  readonly resource?: { readonly kind: string }
  readonly facts: Record<string, unknown>
}

/** A stored entry in its public form. */
export function toJournalEntry(row: JournalEntriesTable): JournalEntry {
  const { actor, resource, facts } = JSON.parse(row.text) as EntryText
  return {
    id: row.id,
    orgId: row.org_id,
    seq: row.seq,
    at: new Date(row.at).toISOString(),
    action: row.action,
    outcome: row.outcome,
    actorKind: actor.kind,
    actorUserId: row.actor_user_id,
    actorTokenId: actor.tokenId ?? null,
    resourceKind: resource?.kind ?? null,
    resourceId: row.resource_id,
    facts,
    details: row.details === null ? null : (JSON.parse(row.details) as Record<string, unknown>),
    hash: row.hash,
    prevHash: row.prev_hash,
  }
}
