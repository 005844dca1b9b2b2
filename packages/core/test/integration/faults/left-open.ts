import { newId } from '../../../src/base/ids.js'
import type { Database } from '../../../src/db/database.js'
import { insertNode } from '../../../src/db/repositories/node.repository.js'
import type { Krown } from '../../../src/krown.js'
import type { CommandId, NodeId, OrgId, SessionId } from '../../../src/model/ids.js'
import type { JournalEntry } from '../../../src/model/journal.js'
import { addCommands, addSessions, type SeededOrg } from '../db/seed.js'

/** A node that never cleaned up after itself. */
export async function addNode({ db }: Database, heartbeatAt: number): Promise<NodeId> {
  const id = newId<NodeId>()
  await insertNode(db, id, heartbeatAt)
  return id
}

/** Sessions of a node, with a running command in each. */
export async function leaveOpen(
  { db }: Database,
  org: SeededOrg,
  left: { node: NodeId; sessions: number },
): Promise<{ sessions: SessionId[]; commands: CommandId[] }> {
  const rows = Array.from({ length: left.sessions }, () => ({ node_id: left.node }))
  const sessions = await addSessions(db, org, rows)
  const running = { node_id: left.node, status: 'running' } as const
  const commands = await addCommands(
    db,
    org,
    sessions.map((session_id) => ({ ...running, session_id })),
  )
  return { sessions, commands }
}

/** The whole journal of an organization, oldest first. */
export async function journalOf(krown: Krown, orgId: OrgId): Promise<JournalEntry[]> {
  const { journal } = krown.as(await krown.actors.system(orgId))
  const entries: JournalEntry[] = []
  let cursor: string | undefined
  do {
    const page = await journal.list({ limit: 200, cursor })
    entries.push(...page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return entries.reverse()
}
