import type {
  ApiTokensTable,
  InstanceTable,
  InvitesTable,
  LoginsTable,
  MembershipsTable,
  OrganizationsTable,
  UsersTable,
} from './identity.table.js'
import type {
  AccessRulesTable,
  CredentialsTable,
  InventoryRevisionsTable,
  KnownHostKeysTable,
  MasterKeysTable,
  TargetsTable,
} from './inventory.table.js'
import type { JournalEntriesTable, JournalHeadsTable } from './journal.table.js'
import type { RateLimitsTable } from './limit.table.js'
import type { RecordingsTable } from './recording.table.js'
import type { CommandLogsTable, NodesTable, SessionsTable } from './session.table.js'

export interface Tables {
  instance: InstanceTable
  organizations: OrganizationsTable
  users: UsersTable
  memberships: MembershipsTable
  logins: LoginsTable
  api_tokens: ApiTokensTable
  invites: InvitesTable
  targets: TargetsTable
  credentials: CredentialsTable
  access_rules: AccessRulesTable
  inventory_revisions: InventoryRevisionsTable
  master_keys: MasterKeysTable
  nodes: NodesTable
  sessions: SessionsTable
  command_logs: CommandLogsTable
  recordings: RecordingsTable
  known_host_keys: KnownHostKeysTable
  journal_entries: JournalEntriesTable
  journal_heads: JournalHeadsTable
  rate_limits: RateLimitsTable
}
