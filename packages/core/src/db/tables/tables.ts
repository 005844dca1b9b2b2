import type {
  ApiTokensTable,
  InstanceTable,
  LoginsTable,
  MembershipsTable,
  OrganizationsTable,
  UsersTable,
} from './identity.table.js'
import type { JournalEntriesTable, JournalHeadsTable } from './journal.table.js'
import type { CommandLogsTable, KnownHostKeysTable, NodesTable, SessionsTable } from './session.table.js'

export interface Tables {
  instance: InstanceTable
  organizations: OrganizationsTable
  users: UsersTable
  memberships: MembershipsTable
  logins: LoginsTable
  api_tokens: ApiTokensTable
  nodes: NodesTable
  sessions: SessionsTable
  command_logs: CommandLogsTable
  known_host_keys: KnownHostKeysTable
  journal_entries: JournalEntriesTable
  journal_heads: JournalHeadsTable
}
