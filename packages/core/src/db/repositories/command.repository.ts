import { type Insertable, sql } from 'kysely'
import type { CommandKind, CommandQuery, CommandStatus, CommandSummary } from '../../model/command.js'
import type { CommandId, NodeId, OrgId, SessionId, UserId } from '../../model/ids.js'
import { DEFAULT_PAGE_LIMIT, type Page } from '../../model/page.js'
import type { Db } from '../database.js'
import type { CommandLogsTable } from '../tables/session.table.js'
import { decodeCursor, toPage } from './cursor.js'
import { containsText } from './search.js'
import { toIso, toIsoOrNull } from './timestamps.js'

export function insertCommandQuery(db: Db, _orgId: OrgId, row: Insertable<CommandLogsTable>) {
  return db.insertInto('command_logs').values(row)
}

export type CommandResult = Pick<
  CommandLogsTable,
  | 'status'
  | 'exit_code'
  | 'signal'
  | 'error_code'
  | 'stdout_bytes'
  | 'stderr_bytes'
  | 'stdout_truncated'
  | 'stderr_truncated'
  | 'stdout_sha256'
  | 'stderr_sha256'
  | 'killed'
  | 'finished_at'
  | 'duration_ms'
>

/** Writes how a command ended; what has a result keeps it. */
export function finishCommandQuery(
  db: Db,
  orgId: OrgId,
  update: { id: CommandId; set: Partial<CommandResult> },
) {
  return db
    .updateTable('command_logs')
    .set(update.set)
    .where('org_id', '=', orgId)
    .where('id', '=', update.id)
    .where('status', '=', 'running')
}

export interface LoggedCommand extends CommandSummary {
  readonly requestDigest: string
}

export async function findCommand(db: Db, orgId: OrgId, id: CommandId): Promise<LoggedCommand | undefined> {
  const row = await db
    .selectFrom('command_logs')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && { ...toCommand(row), requestDigest: row.request_digest }
}

/** @param owner Only this user's commands; undefined for the whole organization. */
export async function listCommands(
  db: Db,
  orgId: OrgId,
  options: { query: CommandQuery; owner: UserId | undefined },
): Promise<Page<CommandSummary>> {
  const { limit = DEFAULT_PAGE_LIMIT, cursor, ...given } = options.query
  const filters = { list: 'commands', ...given }
  let query = db.selectFrom('command_logs').selectAll().where('org_id', '=', orgId)
  if (options.owner !== undefined) query = query.where('user_id', '=', options.owner)
  if (filters.sessionId !== undefined) query = query.where('session_id', '=', filters.sessionId)
  if (filters.userId !== undefined) query = query.where('user_id', '=', filters.userId)
  if (filters.kind !== undefined) query = query.where(isOfKind(filters.kind))
  if (filters.status !== undefined) query = query.where(hasStatus(filters.status))
  if (filters.search !== undefined) query = query.where(containsText(sql.ref('command'), filters.search))
  if (cursor !== undefined) {
    const [startedAt, id] = decodeCursor(filters, cursor, ['number', 'string'])
    query = query.where((eb) =>
      eb(eb.refTuple('started_at', 'id'), '<', eb.tuple(startedAt, id as CommandId)),
    )
  }
  const rows = await query
    .orderBy('started_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
  return toPage(rows, limit, { filters, key: (row) => [row.started_at, row.id], item: toCommand })
}

/** Most are commands: only the others have an index. */
function isOfKind(kind: CommandKind) {
  return sql<boolean>`kind = ${sql.lit(kind)}`
}

/** Repeats the condition of the index that has such rows: neither database finds it otherwise. */
function hasStatus(status: CommandStatus) {
  return status === 'running' || status === 'completed'
    ? sql<boolean>`status = ${sql.lit(status)}`
    : sql<boolean>`status = ${status} and status not in ('running', 'completed')`
}

export interface OrphanCommand {
  readonly id: CommandId
  readonly orgId: OrgId
  readonly userId: UserId
  readonly sessionId: SessionId
}

/** Commands without a result that no living process runs, of every organization: for the sweep. */
export async function listOrphanCommandsAcrossOrgs(
  db: Db,
  options: { livingNodes: readonly NodeId[]; limit: number },
): Promise<OrphanCommand[]> {
  let query = db
    .selectFrom('command_logs')
    .select(['id', 'org_id as orgId', 'user_id as userId', 'session_id as sessionId'])
    .where('status', '=', sql.lit('running'))
  if (options.livingNodes.length > 0) query = query.where('node_id', 'not in', options.livingNodes)
  return query.limit(options.limit).execute()
}

function toCommand(row: CommandLogsTable): CommandSummary {
  return {
    id: row.id,
    sessionId: row.session_id,
    userId: row.user_id,
    kind: row.kind,
    command: row.command,
    status: row.status,
    exitCode: row.exit_code,
    signal: row.signal,
    errorCode: row.error_code,
    stdoutBytes: row.stdout_bytes,
    stderrBytes: row.stderr_bytes,
    stdoutTruncated: row.stdout_truncated === 1,
    stderrTruncated: row.stderr_truncated === 1,
    killed: row.killed,
    startedAt: toIso(row.started_at),
    finishedAt: toIsoOrNull(row.finished_at),
    durationMs: row.duration_ms,
    recordingId: row.recording_id,
    recordingOffsetMs: row.recording_offset_ms,
  }
}
