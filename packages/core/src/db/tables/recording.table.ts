import type { CommandId, NodeId, OrgId, RecordingId, SessionId, UserId } from '../../model/ids.js'
import type { RecordingKind, RecordingStatus } from '../../model/recording.js'

export interface RecordingsTable {
  id: RecordingId
  org_id: OrgId
  session_id: SessionId
  user_id: UserId
  node_id: NodeId
  command_id: CommandId | null
  kind: RecordingKind
  status: RecordingStatus
  /** The key of the file, encrypted; null once it was destroyed. */
  sealed_key: string | null
  /** The master key that `sealed_key` needs. */
  key_id: string | null
  file_bytes: number | null
  plain_bytes: number | null
  sha256: string | null
  lost_bytes: number
  duration_ms: number | null
  started_at: number
  ended_at: number | null
  deleted_at: number | null
}
