import type { Insertable } from 'kysely'
import { newId } from '../../../src/base/ids.js'
import type { Database, Db } from '../../../src/db/database.js'
import type { CommandLogsTable, SessionsTable } from '../../../src/db/tables/session.table.js'
import type { CommandId, NodeId, OrgId, SessionId, UserId } from '../../../src/model/ids.js'

export const NODE = newId<NodeId>()

/** An organization with two members, so that the rows below may refer to them. */
export interface SeededOrg {
  readonly orgId: OrgId
  readonly alice: UserId
  readonly bob: UserId
}

export async function seedOrg({ db }: Pick<Database, 'db'>): Promise<SeededOrg> {
  const org = { orgId: newId<OrgId>(), alice: newId<UserId>(), bob: newId<UserId>() }
  await db
    .insertInto('organizations')
    .values({ id: org.orgId, slug: org.orgId, name: 'Org', created_at: 0 })
    .execute()
  for (const id of [org.alice, org.bob]) {
    await db
      .insertInto('users')
      .values({ id, username: id, display_name: id, is_instance_admin: 0, token_version: 0, created_at: 0 })
      .execute()
    await db
      .insertInto('memberships')
      .values({ org_id: org.orgId, user_id: id, role: 'operator', audit_scope: 'own', created_at: 0 })
      .execute()
  }
  return org
}

/** A row that is live unless `given` says otherwise; ids sort in the order of the calls. */
export function sessionRow(
  { orgId, alice }: SeededOrg,
  given: Partial<SessionsTable> = {},
): Insertable<SessionsTable> & { id: SessionId } {
  return {
    id: newId<SessionId>(),
    org_id: orgId,
    user_id: alice,
    node_id: NODE,
    host: 'db.example.com',
    port: 22,
    username: 'root',
    auth_method: 'key',
    status: 'connected',
    host_key_newly_pinned: 0,
    bytes_in: 0,
    bytes_out: 0,
    created_at: 1_000,
    ...given,
  }
}

export function commandRow(
  { orgId, alice }: SeededOrg,
  given: Partial<CommandLogsTable> & { session_id: SessionId },
): Insertable<CommandLogsTable> & { id: CommandId } {
  return {
    id: newId<CommandId>(),
    org_id: orgId,
    user_id: alice,
    node_id: NODE,
    kind: 'exec',
    command: 'uptime',
    request_digest: '0'.repeat(64),
    status: 'completed',
    stdout_bytes: 0,
    stderr_bytes: 0,
    stdout_truncated: 0,
    stderr_truncated: 0,
    started_at: 1_000,
    ...given,
  }
}

export async function addSessions(
  db: Db,
  org: SeededOrg,
  rows: readonly Partial<SessionsTable>[],
): Promise<SessionId[]> {
  const complete = rows.map((row) => sessionRow(org, row))
  for (const row of complete) await db.insertInto('sessions').values(row).execute()
  return complete.map(({ id }) => id)
}

export async function addCommands(
  db: Db,
  org: SeededOrg,
  rows: readonly (Partial<CommandLogsTable> & { session_id: SessionId })[],
): Promise<CommandId[]> {
  const complete = rows.map((row) => commandRow(org, row))
  for (const row of complete) await db.insertInto('command_logs').values(row).execute()
  return complete.map(({ id }) => id)
}

/** Every page of a list, following the cursors. */
export async function allPages<Item>(
  list: (cursor: string | undefined) => Promise<{ items: Item[]; nextCursor: string | null }>,
): Promise<Item[][]> {
  const pages: Item[][] = []
  let cursor: string | undefined
  do {
    const page = await list(cursor)
    pages.push(page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return pages
}
