import type { ControlledTransaction } from 'kysely'
import type { Database, Trx } from '../db/database.js'
import {
  advanceHeadQuery,
  type Head,
  insertEntriesQuery,
  insertHead,
  lockHead,
} from '../db/repositories/journal.repository.js'
import type { Tables } from '../db/tables/tables.js'
import type { OrgId } from '../model/ids.js'
import {
  acknowledge,
  asUnavailable,
  headAfter,
  isOutage,
  linkAll,
  requireSoundHead,
  writeAll,
} from './chain.js'
import { wasCommitted } from './commit-in-doubt.js'
import { GENESIS, type WrittenEntry } from './entry.js'
import { ConditionNotMet, type Group, type JournalDeps, type QueuedUnit } from './unit.js'
import type { UnitQuery } from './unit-query.js'

type OpenTrx = ControlledTransaction<Tables>

interface Outcome {
  readonly unit: QueuedUnit
  readonly result: unknown
  readonly entries: readonly WrittenEntry[]
}

/** A unit said no, and took the whole transaction with it. */
class UnitFailed {
  readonly reason: unknown

  constructor(reason: unknown) {
    this.reason = reason
  }
}

/**
 * Commits a group in one transaction and settles its units, each by itself.
 *
 * @throws KrownError UNAVAILABLE and others when the group as a whole was not committed; its units are not settled.
 */
export async function commitInTransaction(deps: JournalDeps, group: Group): Promise<void> {
  const { units } = group
  // Statements may run once more: they get savepoints, two round trips each, only when one of them has said no.
  const isolated = units.length > 1 && units.some(({ work }) => work)
  try {
    await runTransaction(deps, group, isolated)
  } catch (error) {
    if (!(error instanceof UnitFailed)) throw error
    if (units.length > 1) await runTransaction(deps, group, true)
    else units[0]?.done.reject(error.reason)
  }
}

async function runTransaction(deps: JournalDeps, { orgId, units }: Group, isolated: boolean): Promise<void> {
  // Whatever the server's default: after waiting for the head's lock the newest state has to be seen.
  const trx = await deps.database.db.startTransaction().setIsolationLevel('read committed').execute()
  let outcomes: Outcome[] = []
  let newest: Head | undefined
  try {
    const head = await currentHead(deps, trx, orgId)
    outcomes = await runUnits(deps, trx, { units, isolated })
    const entries = outcomes.flatMap((outcome) => outcome.entries)
    newest = await appendEntries(trx, orgId, { head, entries })
    await trx.commit().execute()
  } catch (error) {
    deps.heads.delete(orgId)
    await rollBack(trx)
    if (!newest || !isOutage(error) || !(await wasCommitted(deps, orgId, newest))) throw error
  }
  if (newest) acknowledge(deps, orgId, newest)
  for (const { unit, result } of outcomes) unit.done.resolve(result)
}

async function runUnits(
  deps: JournalDeps,
  trx: OpenTrx,
  { units, isolated }: { units: readonly QueuedUnit[]; isolated: boolean },
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const unit of units) {
    const outcome = isolated ? await runIsolated(deps, trx, unit) : await runBare(deps, trx, unit)
    if (outcome) outcomes.push(outcome)
  }
  return outcomes
}

async function runBare(deps: JournalDeps, trx: Trx, unit: QueuedUnit): Promise<Outcome> {
  try {
    return await runUnit(deps, trx, unit)
  } catch (error) {
    throw isOutage(error) ? error : new UnitFailed(error)
  }
}

async function runIsolated(deps: JournalDeps, trx: OpenTrx, unit: QueuedUnit): Promise<Outcome | undefined> {
  const inside = await trx.savepoint('unit').execute()
  try {
    const outcome = await runUnit(deps, inside, unit)
    await inside.releaseSavepoint('unit').execute()
    return outcome
  } catch (error) {
    // Fails when the connection is gone, and then nobody's changes are left.
    await inside.rollbackToSavepoint('unit').execute()
    unit.done.reject(isOutage(error) ? asUnavailable(error) : error)
    return undefined
  }
}

async function runUnit(deps: JournalDeps, trx: Trx, unit: QueuedUnit): Promise<Outcome> {
  const { work, queries = [] } = unit
  for (const query of queries) await runQuery(trx, query)
  const result = await work?.(trx)
  return { unit, result, entries: writeAll(deps, unit.entries(result)) }
}

async function runQuery(trx: Trx, query: UnitQuery): Promise<void> {
  const { rows, numAffectedRows = rows.length } = await trx.executeQuery(query)
  const { mustTouch } = query
  if (mustTouch !== undefined && Number(numAffectedRows) !== mustTouch) {
    throw new ConditionNotMet(`touched ${numAffectedRows} rows instead of ${mustTouch}`)
  }
}

async function currentHead(deps: JournalDeps, trx: Trx, orgId: OrgId): Promise<Head> {
  const { kind } = deps.database
  const head = (await lockHead(trx, orgId, kind)) ?? (await startChain(trx, orgId, kind))
  const known = deps.heads.get(orgId)
  if (head.seq !== known?.seq || head.hash !== known.hash) await requireSoundHead(deps, trx, { orgId, head })
  return head
}

async function startChain(trx: Trx, orgId: OrgId, kind: Database['kind']): Promise<Head> {
  await insertHead(trx, orgId, GENESIS)
  return (await lockHead(trx, orgId, kind)) ?? GENESIS
}

async function appendEntries(
  trx: Trx,
  orgId: OrgId,
  { head, entries }: { head: Head; entries: readonly WrittenEntry[] },
): Promise<Head | undefined> {
  if (entries.length === 0) return undefined
  const rows = linkAll(orgId, head, entries)
  const newest = headAfter(head, rows)
  await insertEntriesQuery(trx, orgId, rows).execute()
  await advanceHeadQuery(trx, orgId, { from: head, to: newest }).execute()
  return newest
}

// The connection may be gone: then the server rolls back by itself.
async function rollBack(trx: OpenTrx): Promise<void> {
  if (!trx.isCommitted)
    await trx
      .rollback()
      .execute()
      .catch(() => {})
}
