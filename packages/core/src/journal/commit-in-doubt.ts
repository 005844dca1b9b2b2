import { findHashAt, type Head, lockHead } from '../db/repositories/journal.repository.js'
import { KrownError } from '../errors/krown-error.js'
import type { OrgId } from '../model/ids.js'
import { isOutage } from './chain.js'
import type { JournalDeps } from './unit.js'

const ASK_FOR_MS = 5_000
const ASK_AGAIN_MS = 200

/**
 * The connection broke during COMMIT: only the database knows whether it took place.
 *
 * @throws KrownError AUDIT_UNAVAILABLE when the database does not answer that either.
 */
export async function wasCommitted(deps: JournalDeps, orgId: OrgId, newest: Head): Promise<boolean> {
  const giveUpAt = deps.clock.monotonic() + ASK_FOR_MS
  for (;;) {
    try {
      return await isStored(deps, orgId, newest)
    } catch (error) {
      if (!isOutage(error)) throw error
      if (deps.clock.monotonic() >= giveUpAt) throw neverKnown(error)
      await new Promise<void>((resolve) => deps.clock.setTimer(ASK_AGAIN_MS, resolve))
    }
  }
}

async function isStored({ database }: JournalDeps, orgId: OrgId, newest: Head): Promise<boolean> {
  const transaction = database.db.transaction().setIsolationLevel('read committed')
  return transaction.execute(async (trx) => {
    // A commit that is still under way holds the lock: without it the answer would come too early.
    await lockHead(trx, orgId, database.kind)
    return (await findHashAt(trx, orgId, newest.seq)) === newest.hash
  })
}

function neverKnown(cause: unknown): KrownError {
  return new KrownError(
    'AUDIT_UNAVAILABLE',
    'the database went away while the change was committed: whether it was stored is not known',
    { cause, retryAfterMs: 1_000 },
  )
}
