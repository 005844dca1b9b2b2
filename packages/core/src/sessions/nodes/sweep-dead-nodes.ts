import type { Clock } from '../../base/clock.js'
import type { Db, Trx } from '../../db/database.js'
import {
  finishCommandQuery,
  listOrphanCommandsAcrossOrgs,
  type OrphanCommand,
} from '../../db/repositories/command.repository.js'
import {
  finishRecordingQuery,
  listOrphanRecordingsAcrossOrgs,
  type OrphanRecording,
} from '../../db/repositories/recording.repository.js'
import {
  listOrphanSessionsAcrossOrgs,
  type OrphanSession,
  updateLiveSessionQuery,
} from '../../db/repositories/session.repository.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { SystemActor } from '../../model/actor.js'
import type { NodeId, OrgId } from '../../model/ids.js'
import { recordingInterrupted } from '../../recordings/recording-entries.js'

export interface SweepDeps {
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  systemActor(orgId: OrgId): Promise<SystemActor>
}

const BATCH = 200

/** The nodes that live right now, this one among them. */
type ListLiving = () => Promise<readonly NodeId[]>

/** Closes what processes left open that died: the connections are gone, the outcome of commands is unknown. */
export async function sweepDeadNodes(deps: SweepDeps, listLiving: ListLiving): Promise<void> {
  const commands = (living: Living) => listOrphanCommandsAcrossOrgs(deps.db, living)
  const sessions = (living: Living) => listOrphanSessionsAcrossOrgs(deps.db, living)
  const recordings = (living: Living) => listOrphanRecordingsAcrossOrgs(deps.db, living)
  await sweepAll(deps, () => listOrphans(listLiving, commands), closeCommand)
  await sweepAll(deps, () => listOrphans(listLiving, recordings), closeRecording)
  await sweepAll(deps, () => listOrphans(listLiving, sessions), closeSession)
}

interface Living {
  readonly livingNodes: readonly NodeId[]
  readonly limit: number
}

// A node joins before it writes its first row: whoever asks for the nodes after the rows knows the owners of all.
async function listOrphans<Row>(
  listLiving: ListLiving,
  list: (living: Living) => Promise<Row[]>,
): Promise<Row[]> {
  for (let livingNodes = await listLiving(); ; ) {
    const rows = await list({ livingNodes, limit: BATCH })
    if (rows.length === 0) return rows
    const known = new Set(livingNodes)
    livingNodes = await listLiving()
    if (livingNodes.every((id) => known.has(id))) return rows
  }
}

interface Orphan {
  readonly orgId: OrgId
}

/** What to journal; undefined when somebody else closed it first. */
type Close<Row> = (trx: Trx, row: Row, now: number) => Promise<Closing | undefined>
type Closing = Omit<JournalDraft, 'actor'>

async function sweepAll<Row extends Orphan>(
  deps: SweepDeps,
  list: () => Promise<Row[]>,
  close: Close<Row>,
): Promise<void> {
  for (let rows = await list(); rows.length > 0; rows = await list()) {
    for (const orgId of new Set(rows.map((row) => row.orgId))) {
      await closeRows(deps, { orgId, ofOrg: rows.filter((row) => row.orgId === orgId), close })
    }
    if (rows.length < BATCH) return
  }
}

async function closeRows<Row>(
  deps: SweepDeps,
  { orgId, ofOrg, close }: { orgId: OrgId; ofOrg: readonly Row[]; close: Close<Row> },
): Promise<void> {
  const actor = await deps.systemActor(orgId)
  const now = deps.clock.now()
  await deps.journal.transact(
    orgId,
    async (trx) => {
      const drafts: JournalDraft[] = []
      for (const row of ofOrg) {
        const draft = await close(trx, row, now)
        if (draft) drafts.push({ ...draft, actor })
      }
      return drafts
    },
    (drafts) => drafts,
  )
}

async function closeCommand(trx: Trx, row: OrphanCommand, now: number): Promise<Closing | undefined> {
  const set = { status: 'interrupted', error_code: 'SESSION_LOST', finished_at: now } as const
  const { numUpdatedRows } = await finishCommandQuery(trx, row.orgId, {
    id: row.id,
    set,
  }).executeTakeFirstOrThrow()
  if (numUpdatedRows === 0n) return undefined
  return {
    action: 'command.finished',
    outcome: 'failure',
    resource: { kind: 'command', id: row.id },
    facts: {
      sessionId: row.sessionId,
      status: set.status,
      errorCode: set.error_code,
      ownerUserId: row.userId,
    },
  }
}

async function closeRecording(trx: Trx, row: OrphanRecording, now: number): Promise<Closing | undefined> {
  const set = { status: 'incomplete', ended_at: now } as const
  const { numUpdatedRows } = await finishRecordingQuery(trx, row.orgId, {
    id: row.id,
    set,
  }).executeTakeFirstOrThrow()
  return numUpdatedRows === 0n ? undefined : recordingInterrupted(row)
}

async function closeSession(trx: Trx, row: OrphanSession, now: number): Promise<Closing | undefined> {
  const status = row.status === 'connecting' ? ('error' as const) : ('disconnected' as const)
  const set = { status, status_reason: 'server_restart', ended_at: now }
  const { numUpdatedRows } = await updateLiveSessionQuery(trx, row.orgId, {
    id: row.id,
    set,
  }).executeTakeFirstOrThrow()
  if (numUpdatedRows === 0n) return undefined
  return {
    action: 'session.closed',
    outcome: 'failure',
    resource: { kind: 'session', id: row.id },
    facts: { reason: set.status_reason, ownerUserId: row.userId },
  }
}
