import type { ControlledTransaction } from 'kysely'
import type { Trx } from '../db/database.js'
import {
  advanceHeadQuery,
  findHashAt,
  type Head,
  insertEntriesQuery,
  insertHead,
  lockHead,
} from '../db/repositories/journal.repository.js'
import type { JournalEntriesTable } from '../db/tables/journal.table.js'
import type { Tables } from '../db/tables/tables.js'
import { isKrownError } from '../errors/krown-error.js'
import type { OrgId } from '../model/ids.js'
import { asUnavailable, sealAll } from './chain.js'
import { GENESIS, type JournalDraft } from './entry.js'
import type { JournalDeps, QueuedUnit } from './unit.js'

interface Group {
  readonly orgId: OrgId
  readonly group: readonly QueuedUnit[]
}

interface Outcome {
  readonly unit: QueuedUnit
  readonly result: unknown
  readonly drafts: readonly JournalDraft[]
}

type OpenTrx = ControlledTransaction<Tables>

/** Commits a group in one transaction, each unit in its own savepoint, and settles every unit. */
export async function commitInTransaction(deps: JournalDeps, { orgId, group }: Group): Promise<void> {
  try {
    const outcomes = await runTransaction(deps, orgId, group)
    for (const { unit, result } of outcomes) unit.done.resolve(result)
  } catch (error) {
    // Units that failed by themselves were rejected already; rejecting twice changes nothing.
    for (const { done } of group) done.reject(asUnavailable(error))
  }
}

async function runTransaction(
  deps: JournalDeps,
  orgId: OrgId,
  group: readonly QueuedUnit[],
): Promise<Outcome[]> {
  const trx = await deps.database.db.startTransaction().execute()
  deps.heads.delete(orgId)
  let outcomes: Outcome[] = []
  let newest: Head | undefined
  try {
    const head = await currentHead(deps, trx, orgId)
    outcomes = await runUnits(trx, group)
    const drafts = outcomes.flatMap((outcome) => outcome.drafts)
    const rows = sealAll(deps, orgId, { head, drafts })
    await appendRows(trx, orgId, { head, rows })
    newest = rows.at(-1)
    await trx.commit().execute()
    return outcomes
  } catch (error) {
    await rollBack(trx)
    if (newest && (await wasCommitted(deps, orgId, newest))) return outcomes
    throw error
  }
}

async function runUnits(trx: OpenTrx, group: readonly QueuedUnit[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const unit of group) {
    const outcome = await runUnit(trx, unit)
    if (outcome) outcomes.push(outcome)
  }
  return outcomes
}

async function runUnit(trx: OpenTrx, unit: QueuedUnit): Promise<Outcome | undefined> {
  const inside = await trx.savepoint('unit').execute()
  try {
    const result = await doWork(trx, unit)
    const outcome = { unit, result, drafts: unit.entries(result) }
    await inside.releaseSavepoint('unit').execute()
    return outcome
  } catch (error) {
    if (isOutage(error)) throw error
    await inside.rollbackToSavepoint('unit').execute()
    unit.done.reject(error)
    return undefined
  }
}

async function doWork(trx: Trx, { work, queries = [] }: QueuedUnit): Promise<unknown> {
  if (work) return work(trx)
  for (const query of queries) await trx.executeQuery(query)
  return undefined
}

async function currentHead(deps: JournalDeps, trx: Trx, orgId: OrgId): Promise<Head> {
  const head = await lockHead(trx, orgId, deps.database.kind)
  if (head) return head
  await insertHead(trx, orgId, GENESIS)
  return (await lockHead(trx, orgId, deps.database.kind)) ?? GENESIS
}

async function appendRows(
  trx: Trx,
  orgId: OrgId,
  chain: { head: Head; rows: JournalEntriesTable[] },
): Promise<void> {
  const last = chain.rows.at(-1)
  if (!last) return
  await insertEntriesQuery(trx, orgId, chain.rows).execute()
  const move = { from: chain.head, to: { seq: last.seq, hash: last.hash } }
  await advanceHeadQuery(trx, orgId, move).execute()
}

// The connection may be gone: then the server rolls back by itself.
async function rollBack(trx: OpenTrx): Promise<void> {
  if (!trx.isCommitted)
    await trx
      .rollback()
      .execute()
      .catch(() => {})
}

/** The connection broke during COMMIT: only the database knows whether it took place. */
async function wasCommitted(deps: JournalDeps, orgId: OrgId, newest: Head): Promise<boolean> {
  return (await findHashAt(deps.database.db, orgId, newest.seq)) === newest.hash
}

function isOutage(error: unknown): boolean {
  return isKrownError(error) && error.code === 'UNAVAILABLE'
}
