import type { Head } from '../db/repositories/journal.repository.js'
import type { JournalEntriesTable } from '../db/tables/journal.table.js'
import { isKrownError, KrownError } from '../errors/krown-error.js'
import type { OrgId } from '../model/ids.js'
import { type JournalDraft, sealEntry } from './entry.js'
import type { JournalDeps } from './unit.js'

/** The rows of the next links after `head`. */
export function sealAll(
  { clock, newId }: Pick<JournalDeps, 'clock' | 'newId'>,
  orgId: OrgId,
  after: { head: Head; drafts: readonly JournalDraft[] },
): JournalEntriesTable[] {
  const at = clock.now()
  let prev: Head = after.head
  return after.drafts.map((draft) => {
    const row = sealEntry(draft, { orgId, prev, id: newId(), at })
    prev = row
    return row
  })
}

/** What the caller hears when the group as a whole failed. */
export function asUnavailable(error: unknown): unknown {
  if (isKrownError(error) && error.code !== 'UNAVAILABLE') return error
  return new KrownError('AUDIT_UNAVAILABLE', 'the journal cannot be written, so nothing was done', {
    cause: error,
    retryAfterMs: 1_000,
  })
}
