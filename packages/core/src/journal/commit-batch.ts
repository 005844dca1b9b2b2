import type { CompiledQuery } from 'kysely'
import { databaseUnavailable, fromDriverError } from '../db/db-errors.js'
import {
  advanceHeadQuery,
  findHead,
  type Head,
  insertEntriesQuery,
  insertHead,
} from '../db/repositories/journal.repository.js'
import { toError } from '../db/sqlite-client.js'
import { type Batch, type BatchResult, CHANGED_OTHERWISE, type Statement } from '../db/sqlite-protocol.js'
import type { JournalEntriesTable } from '../db/tables/journal.table.js'
import type { OrgId } from '../model/ids.js'
import { asUnavailable, sealAll } from './chain.js'
import { GENESIS } from './entry.js'
import type { JournalDeps, QueuedUnit } from './unit.js'

type SendBatch = (batch: Batch) => Promise<BatchResult>

// Only a short admin command can move the head under a running server.
const MAX_HEAD_MOVES = 10

/**
 * Commits statement units in one message to the SQLite thread. The hashes are computed beforehand, as if nothing
 * could fail; when a unit does fail, nothing was written and the rest goes again without it.
 */
export async function commitInBatch(
  deps: JournalDeps,
  send: SendBatch,
  { orgId, group }: { orgId: OrgId; group: readonly QueuedUnit[] },
): Promise<void> {
  try {
    const committed = await sendUntilCommitted(deps, send, { orgId, group })
    for (const { done } of committed) done.resolve(undefined)
  } catch (error) {
    for (const { done } of group) done.reject(asUnavailable(error))
  }
}

async function sendUntilCommitted(
  deps: JournalDeps,
  send: SendBatch,
  { orgId, group }: { orgId: OrgId; group: readonly QueuedUnit[] },
): Promise<readonly QueuedUnit[]> {
  let units = group
  let headMoves = 0
  while (units.length > 0) {
    const { batch, newest } = await buildBatch(deps, orgId, units)
    const result = await send(batch)
    if (result.committed) {
      if (newest) deps.heads.set(orgId, newest)
      return units
    }
    deps.heads.delete(orgId)
    const failed = result.unit === null ? undefined : units[result.unit]
    if (failed) {
      failed.done.reject(fromDriverError(toError(result.error)))
      units = units.filter((unit) => unit !== failed)
    } else if (result.error.code === CHANGED_OTHERWISE && headMoves < MAX_HEAD_MOVES) headMoves += 1
    else throw databaseUnavailable(toError(result.error))
  }
  return []
}

async function buildBatch(
  deps: JournalDeps,
  orgId: OrgId,
  units: readonly QueuedUnit[],
): Promise<{ batch: Batch; newest: Head | undefined }> {
  const head = deps.heads.get(orgId) ?? (await readHead(deps, orgId))
  const drafts = units.flatMap(({ entries }) => entries(undefined))
  const rows = sealAll(deps, orgId, { head, drafts })
  const newest = rows.at(-1)
  const batch = {
    units: units.map(({ queries = [] }) => queries.map(toStatement)),
    tail: newest ? appendStatements(deps, orgId, { head, rows, newest }) : [],
  }
  return { batch, newest }
}

function appendStatements(
  { database: { db } }: JournalDeps,
  orgId: OrgId,
  chain: { head: Head; rows: JournalEntriesTable[]; newest: Head },
): Statement[] {
  const move = { from: chain.head, to: { seq: chain.newest.seq, hash: chain.newest.hash } }
  return [
    ...chain.rows.map((row) => toStatement(insertEntriesQuery(db, orgId, [row]).compile())),
    { ...toStatement(advanceHeadQuery(db, orgId, move).compile()), mustChange: 1 },
  ]
}

async function readHead({ database }: JournalDeps, orgId: OrgId): Promise<Head> {
  const head = await findHead(database.db, orgId)
  if (!head) await insertHead(database.db, orgId, GENESIS)
  return head ?? GENESIS
}

function toStatement({ sql, parameters }: CompiledQuery): Statement {
  return { sql, parameters }
}
