import { type Batch, type BatchResult, type Statement, toError } from '../db/batch.js'
import { fromDriverError } from '../db/db-errors.js'
import { toStatement } from './append-statements.js'
import { acknowledge, headAfter, isOutage, linkAll, writeAll } from './chain.js'
import { wasCommitted } from './commit-in-doubt.js'
import type { WrittenEntry } from './entry.js'
import type { Group, JournalDeps, QueuedUnit } from './unit.js'

type SendBatch = (batch: Batch) => Promise<BatchResult>

/**
 * Commits statement units in one message to the database, with hashes computed as if nothing could fail.
 *
 * @returns False when nothing was written, because something did: the head is not known, another process moved it,
 * or a unit says no. Then it has to be done step by step.
 * @throws KrownError UNAVAILABLE
 */
export async function commitInBatch(
  deps: JournalDeps,
  send: SendBatch,
  { orgId, units }: Group,
): Promise<boolean> {
  const head = deps.heads.get(orgId)
  const entries = tryToWrite(deps, units)
  if (!head || !entries) return false
  const rows = linkAll(orgId, head, entries)
  const tail = deps.statements.append(head, rows)
  const result = await send({ units: units.map(statementsOf), tail })
  const newest = headAfter(head, rows)
  if (result.committed === 'in doubt') {
    deps.heads.delete(orgId)
    if (!(await wasCommitted(deps, orgId, newest))) throw result.error
  }
  if (result.committed === false) {
    deps.heads.delete(orgId)
    const error = fromDriverError(toError(result.error))
    if (isOutage(error)) throw error
    return false
  }
  acknowledge(deps, orgId, newest)
  for (const { done } of units) done.resolve(undefined)
  return true
}

function tryToWrite(deps: JournalDeps, units: readonly QueuedUnit[]): WrittenEntry[] | undefined {
  try {
    return writeAll(
      deps,
      units.flatMap(({ entries }) => entries(undefined)),
    )
  } catch {
    // Step by step it will show whose entry it was.
    return undefined
  }
}

function statementsOf({ queries = [] }: QueuedUnit): Statement[] {
  return queries.map(toStatement)
}
