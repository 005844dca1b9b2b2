import type { CommandKind, CommandStatus } from '../../model/command.js'
import type { CommandId, NodeId, OrgId, RecordingId, SessionId, TargetId, UserId } from '../../model/ids.js'
import type { AuthMethod, SessionStatus } from '../../model/session.js'

export interface NodesTable {
  id: NodeId
  started_at: number
  heartbeat_at: number
}

export interface SessionsTable {
  id: SessionId
  org_id: OrgId
  user_id: UserId
  target_id: TargetId | null
  node_id: NodeId
  host: string
  port: number
  username: string
  auth_method: AuthMethod
  status: SessionStatus
  status_reason: string | null
  host_key_fingerprint: string | null
  host_key_newly_pinned: 0 | 1
  client_ip: string | null
  created_at: number
  connected_at: number | null
  last_activity_at: number | null
  ended_at: number | null
  bytes_in: number
  bytes_out: number
}

export interface CommandLogsTable {
  id: CommandId
  org_id: OrgId
  session_id: SessionId
  user_id: UserId
  node_id: NodeId
  kind: CommandKind
  command: string
  /** SHA-256 of everything that decides what the command does: tells a retry from another command. */
  request_digest: string
  status: CommandStatus
  exit_code: number | null
  signal: string | null
  error_code: string | null
  stdout_bytes: number
  stderr_bytes: number
  stdout_truncated: 0 | 1
  stderr_truncated: 0 | 1
  stdout_sha256: string | null
  stderr_sha256: string | null
  killed: 'confirmed' | 'unconfirmed' | null
  started_at: number
  finished_at: number | null
  duration_ms: number | null
  recording_id: RecordingId | null
  /** Where it begins in the recording, milliseconds. */
  recording_offset_ms: number | null
}
