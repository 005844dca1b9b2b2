import type { Db } from '../db/database.js'
import { findHashAt, type Head } from '../db/repositories/journal.repository.js'
import type { JournalEntriesTable } from '../db/tables/journal.table.js'
import { isKrownError, KrownError } from '../errors/krown-error.js'
import type { OrgId } from '../model/ids.js'
import { type JournalDraft, linkEntry, type WrittenEntry, writeEntry } from './entry.js'
import type { JournalDeps } from './unit.js'

export function writeAll(
  { clock, newId }: Pick<JournalDeps, 'clock' | 'newId'>,
  drafts: readonly JournalDraft[],
): WrittenEntry[] {
  return drafts.map((draft) => writeEntry(draft, { id: newId(), at: clock.now() }))
}

/** The rows of the next links after `head`. */
export function linkAll(orgId: OrgId, head: Head, entries: readonly WrittenEntry[]): JournalEntriesTable[] {
  let prev = head
  return entries.map((entry) => {
    const row = linkEntry(entry, { orgId, prev })
    prev = row
    return row
  })
}

/** What the chain ends with, after `head`. */
export function headAfter(head: Head, rows: readonly JournalEntriesTable[]): Head {
  const newest = rows.at(-1)
  return newest ? { seq: newest.seq, hash: newest.hash } : head
}

/** Remembers what the chain ends with, now that it is durable. */
export function acknowledge({ heads, acknowledged }: JournalDeps, orgId: OrgId, head: Head): void {
  heads.set(orgId, head)
  acknowledged.set(orgId, head.seq)
}

/**
 * Refuses to go on from a head that does not fit the entries, or ends before what this process has acknowledged: what
 * came after it would hide that.
 *
 * @throws KrownError AUDIT_UNAVAILABLE
 */
export async function requireSoundHead(
  { acknowledged }: Pick<JournalDeps, 'acknowledged'>,
  db: Db,
  { orgId, head }: { orgId: OrgId; head: Head },
): Promise<void> {
  if (head.seq < (acknowledged.get(orgId) ?? 0)) {
    throw new KrownError(
      'AUDIT_UNAVAILABLE',
      'entries at the end of the journal are gone: find out who removed them, then start Krown again',
    )
  }
  if (head.seq === 0 || (await findHashAt(db, orgId, head.seq)) === head.hash) return
  throw new KrownError(
    'AUDIT_UNAVAILABLE',
    'the head of the journal does not fit its newest entry: verify the journal before anything more is done',
  )
}

/** What the caller hears when the group as a whole failed. */
export function asUnavailable(error: unknown): unknown {
  if (isKrownError(error) && error.code !== 'UNAVAILABLE') return error
  return new KrownError('AUDIT_UNAVAILABLE', 'the journal cannot be written, so nothing was done', {
    cause: error,
    retryAfterMs: 1_000,
  })
}

export function isOutage(error: unknown): boolean {
  return isKrownError(error) && error.code === 'UNAVAILABLE'
}
