import { type Insertable, sql } from 'kysely'
import { newId } from '../../../src/base/ids.js'
import type { Database } from '../../../src/db/database.js'
import type { Tables } from '../../../src/db/tables/tables.js'
import type {
  AccessRuleId,
  ApiTokenId,
  CredentialId,
  HostKeyId,
  InviteId,
  JournalEntryId,
  LoginId,
  OrgId,
  RecordingId,
  TargetId,
  UserId,
} from '../../../src/model/ids.js'
import { commandRow, NODE, type SeededOrg, seedOrg, sessionRow } from './seed.js'

const ORGS = 20

/** Rows of many organizations in every growing table: enough for PostgreSQL's planner to mind which way it goes. */
export async function fillTables(database: Database, rowsPerOrg: number): Promise<SeededOrg> {
  const orgs: SeededOrg[] = []
  for (let i = 0; i < ORGS; i += 1) orgs.push(await seedOrg(database))
  // Organizations take turns, as they do in life: none has its rows in one place.
  for (let turn = 0; turn < rowsPerOrg; turn += 1) await insertTurn(database, orgs, turn)
  if (database.kind === 'postgres') await sql`analyze`.execute(database.db)
  return orgs[0] as SeededOrg
}

async function insertTurn(database: Database, orgs: readonly SeededOrg[], turn: number): Promise<void> {
  const rows = orgs.map((org) => rowsOf(org, turn))
  const insert = <Table extends keyof Tables>(table: Table) =>
    database.db
      .insertInto(table)
      .values(rows.map((of) => of[table as keyof typeof of]) as never)
      .execute()
  for (const table of FILLED) await insert(table)
}

const FILLED = [
  'organizations',
  'users',
  'memberships',
  'logins',
  'api_tokens',
  'credentials',
  'targets',
  'access_rules',
  'inventory_revisions',
  'invites',
  'sessions',
  'command_logs',
  'recordings',
  'known_host_keys',
  'journal_entries',
] as const satisfies (keyof Tables)[]

function rowsOf(
  org: SeededOrg,
  turn: number,
): { [Table in (typeof FILLED)[number]]: Insertable<Tables[Table]> } {
  const userId = newId<UserId>()
  const { orgId } = org
  const session = sessionRow(org, { ended_at: turn % 50 === 0 ? null : turn, host: `h${turn}.example.com` })
  const ownOrg = newId<OrgId>()
  return {
    organizations: { id: ownOrg, slug: ownOrg, name: 'x', created_at: turn },
    users: {
      id: userId,
      username: userId,
      display_name: 'x',
      external_issuer: 'https://login.example.com',
      external_subject: userId,
      is_instance_admin: 0,
      token_version: 0,
      created_at: turn,
    },
    memberships: { org_id: orgId, user_id: userId, role: 'readonly', audit_scope: 'own', created_at: turn },
    logins: {
      id: newId<LoginId>(),
      org_id: orgId,
      user_id: userId,
      token_hash: 'a',
      chain_key: 'b',
      created_at: turn,
      rotated_at: turn,
      idle_expires_at: turn,
      expires_at: 1_000_000 + turn,
    },
    api_tokens: {
      id: newId<ApiTokenId>(),
      org_id: orgId,
      user_id: org.alice,
      name: 'x',
      secret_hash: 'a',
      scopes: 'session:read',
      created_at: turn,
    },
    invites: {
      id: newId<InviteId>(),
      org_id: orgId,
      secret_hash: 'a',
      role: 'readonly',
      created_by: org.alice,
      created_at: turn,
      expires_at: turn + 1,
    },
    credentials: {
      id: newId<CredentialId>(),
      org_id: orgId,
      name: `credential ${turn}`,
      kind: 'password',
      secret: 'kv1.00000000.x.y',
      key_id: turn % 50 === 0 ? '00000001' : '00000000',
      version: 1,
      created_at: turn,
      updated_at: turn,
    },
    targets: {
      id: newId<TargetId>(),
      org_id: orgId,
      name: `target-${turn}`,
      host: `h${turn}.example.com`,
      port: 22,
      username: 'root',
      tags: '[]',
      legacy_algorithms: 0,
      created_at: turn,
      updated_at: turn,
    },
    access_rules: {
      id: newId<AccessRuleId>(),
      org_id: orgId,
      subject_kind: turn % 2 === 0 ? 'user' : 'role',
      subject_id: turn % 2 === 0 ? org.alice : 'operator',
      selector: 'tag:prod',
      verbs: 'exec',
      created_at: turn,
    },
    inventory_revisions: { org_id: ownOrg, revision: turn },
    sessions: session,
    recordings: {
      id: newId<RecordingId>(),
      org_id: orgId,
      session_id: session.id,
      user_id: org.alice,
      node_id: NODE,
      kind: turn % 2 === 0 ? 'session' : 'terminal',
      status: turn % 50 === 0 ? 'incomplete' : turn % 60 === 1 ? 'recording' : 'closed',
      sealed_key: 'kv1.00000000.x.y',
      key_id: turn % 50 === 0 ? '00000001' : '00000000',
      file_bytes: 1,
      lost_bytes: 0,
      started_at: turn,
      ended_at: turn % 60 === 1 ? null : turn,
    },
    command_logs: commandRow(org, { session_id: session.id, started_at: turn }),
    known_host_keys: {
      id: newId<HostKeyId>(),
      org_id: orgId,
      user_scope: org.alice,
      host_kind: 'exact',
      host: `h${turn}.example.com`,
      port: 22,
      via: '',
      algorithm: 'ssh-ed25519',
      fingerprint: 'SHA256:x',
      mark: 'trusted',
      source: 'first_use',
      pinned_by: org.alice,
      created_at: turn,
    },
    journal_entries: {
      org_id: orgId,
      seq: turn + 1,
      id: newId<JournalEntryId>(),
      at: turn,
      action: turn % 10 === 0 ? 'login.failed' : 'command.started',
      outcome: turn % 10 === 0 ? 'denied' : 'success',
      actor_user_id: org.alice,
      resource_id: session.id,
      text: '{}',
      details: '{}',
      salt: '00',
      prev_hash: 'x',
      hash: 'y',
    },
  }
}
