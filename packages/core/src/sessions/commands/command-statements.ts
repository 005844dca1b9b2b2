import type { CompiledQuery } from 'kysely'
import type { Db } from '../../db/database.js'
import { prepareStatement } from '../../db/prepare-statement.js'
import {
  type CommandResult,
  finishCommandQuery,
  insertCommandQuery,
} from '../../db/repositories/command.repository.js'
import type { CommandLogsTable } from '../../db/tables/session.table.js'
import type { CommandId, OrgId } from '../../model/ids.js'

const INTENT = {
  id: true,
  org_id: true,
  session_id: true,
  user_id: true,
  node_id: true,
  kind: true,
  command: true,
  request_digest: true,
  status: true,
  stdout_bytes: true,
  stderr_bytes: true,
  stdout_truncated: true,
  stderr_truncated: true,
  started_at: true,
  recording_id: true,
  recording_offset_ms: true,
} as const satisfies { [Column in keyof CommandLogsTable]?: true }

type CommandIntent = Pick<CommandLogsTable, keyof typeof INTENT>
type FinishedCommand = CommandResult & { orgId: OrgId; id: CommandId }

const RESULT: Record<keyof FinishedCommand, true> = {
  orgId: true,
  id: true,
  status: true,
  exit_code: true,
  signal: true,
  error_code: true,
  stdout_bytes: true,
  stderr_bytes: true,
  stdout_truncated: true,
  stderr_truncated: true,
  stdout_sha256: true,
  stderr_sha256: true,
  killed: true,
  finished_at: true,
  duration_ms: true,
}

/** The two statements that every command takes. */
export class CommandStatements {
  readonly insert: (row: CommandIntent) => CompiledQuery
  readonly finish: (result: FinishedCommand) => CompiledQuery

  constructor(db: Db) {
    this.insert = prepareStatement<CommandIntent>(INTENT, (row) => insertCommandQuery(db, row.org_id, row))
    this.finish = prepareStatement(RESULT, ({ orgId, id, ...set }) =>
      finishCommandQuery(db, orgId, { id, set }),
    )
  }
}
