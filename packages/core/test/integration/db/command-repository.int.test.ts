import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { Database } from '../../../src/db/database.js'
import { isUniqueViolation } from '../../../src/db/db-errors.js'
import {
  findCommand,
  finishCommandQuery,
  insertCommandQuery,
  listCommands,
  listOrphanCommandsAcrossOrgs,
} from '../../../src/db/repositories/command.repository.js'
import type { CommandQuery } from '../../../src/model/command.js'
import type { CommandId, NodeId, SessionId, UserId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { addCommands, addSessions, allPages, commandRow, NODE, type SeededOrg, seedOrg } from './seed.js'

interface Seeded extends SeededOrg {
  readonly session: SessionId
}

async function seedSession(database: Database): Promise<Seeded> {
  const org = await seedOrg(database)
  const [session] = (await addSessions(database.db, org, [{}])) as [SessionId]
  return { ...org, session }
}

describeOnBothDatabases('commands', (openTestDatabase) => {
  test('a command comes back as it was stored', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedSession(opened.database)
    const row = commandRow(org, {
      session_id: org.session,
      command: 'echo "naïve – 日本語 😀"\n\ttrue',
      status: 'running',
      request_digest: 'ab',
    })
    await insertCommandQuery(db, org.orgId, row).execute()
    await finishCommandQuery(db, org.orgId, {
      id: row.id,
      set: {
        status: 'completed',
        exit_code: 4_294_967_295,
        stdout_bytes: 2 ** 45,
        stderr_truncated: 1,
        finished_at: 2_500,
        duration_ms: 1_499,
      },
    }).execute()
    expect(await findCommand(db, org.orgId, row.id)).toEqual({
      id: row.id,
      sessionId: org.session,
      userId: org.alice,
      kind: 'exec',
      command: 'echo "naïve – 日本語 😀"\n\ttrue',
      status: 'completed',
      exitCode: 4_294_967_295,
      signal: null,
      errorCode: null,
      stdoutBytes: 2 ** 45,
      stderrBytes: 0,
      stdoutTruncated: false,
      stderrTruncated: true,
      killed: null,
      startedAt: '1970-01-01T00:00:01.000Z',
      finishedAt: '1970-01-01T00:00:02.500Z',
      durationMs: 1_499,
      recordingId: null,
      recordingOffsetMs: null,
      requestDigest: 'ab',
    })
  })

  test('a second command with the same id is a unique violation, and a result is written once', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedSession(opened.database)
    const row = commandRow(org, { session_id: org.session, status: 'running' })
    await insertCommandQuery(db, org.orgId, row).execute()
    const again = await insertCommandQuery(db, org.orgId, row)
      .execute()
      .catch((error: unknown) => error)
    expect(isUniqueViolation(again)).toBe(true)
    const finish = (status: 'completed' | 'interrupted') =>
      finishCommandQuery(db, org.orgId, { id: row.id, set: { status } }).executeTakeFirstOrThrow()
    expect((await finish('completed')).numUpdatedRows).toBe(1n)
    expect((await finish('interrupted')).numUpdatedRows).toBe(0n)
    expect(await findCommand(db, org.orgId, row.id)).toMatchObject({ status: 'completed' })
  })

  test("another organization's command is absent: to find, to list, to change", async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const [org, other] = [await seedSession(opened.database), await seedOrg(opened.database)]
    const [id] = (await addCommands(db, org, [{ session_id: org.session, status: 'running' }])) as [CommandId]
    expect(await findCommand(db, other.orgId, id)).toBeUndefined()
    expect((await listCommands(db, other.orgId, { query: {}, owner: undefined })).items).toEqual([])
    await finishCommandQuery(db, other.orgId, { id, set: { status: 'failed' } }).execute()
    expect(await findCommand(db, org.orgId, id)).toMatchObject({ status: 'running' })
  })

  test('pages come newest first; commands that started in one millisecond keep an order', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedSession(opened.database)
    const starts = [1, 2, 2, 2, 2, 3, 3, 4, 4, 4, 5].map((started_at) => ({
      started_at,
      session_id: org.session,
    }))
    const ids = await addCommands(db, org, starts)
    const pages = await allPages((cursor) =>
      listCommands(db, org.orgId, { query: { limit: 3, cursor }, owner: undefined }),
    )
    expect(pages.map((page) => page.length)).toEqual([3, 3, 3, 2])
    expect(pages.flat().map(({ id }) => id)).toEqual([...ids].reverse())
  })

  test('every filter narrows the list, alone and together', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedSession(opened.database)
    const [second] = (await addSessions(db, org, [{}])) as [SessionId]
    const [first, bobs, failed, elsewhere] = await addCommands(db, org, [
      { session_id: org.session, started_at: 1 },
      { session_id: org.session, started_at: 2, user_id: org.bob },
      { session_id: org.session, started_at: 3, status: 'failed' },
      { session_id: second, started_at: 4, command: 'reboot' },
    ])
    const list = async (query: CommandQuery, owner?: UserId) =>
      (await listCommands(db, org.orgId, { query, owner })).items.map(({ id }) => id)
    expect(await list({})).toEqual([elsewhere, failed, bobs, first])
    expect(await list({ sessionId: org.session })).toEqual([failed, bobs, first])
    expect(await list({ userId: org.bob })).toEqual([bobs])
    expect(await list({ status: 'failed' })).toEqual([failed])
    expect(await list({ search: 'REBO' })).toEqual([elsewhere])
    expect(await list({ sessionId: org.session, status: 'completed', search: 'up' }, org.alice)).toEqual([
      first,
    ])
    expect(await list({}, org.bob)).toEqual([bobs])
  })

  test.each([
    ['%', ['100%']],
    ['_', ['a_b']],
    ['\\', ['C:\\tmp']],
    ['\\_', []],
    ["'", ["it's"]],
    ['C:\\T', ['C:\\tmp']],
    ['école', ['École Å']],
    ['ÉCOLE', ['École Å']],
    ['École', ['École Å']],
    ['å', ['École Å']],
  ])('a search for %s takes each character as itself, in any case', async (search, found) => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedSession(opened.database)
    const texts = ['100%', 'a_b', 'C:\\tmp', "it's", 'École Å', 'plain']
    await addCommands(
      db,
      org,
      texts.map((command) => ({ command, session_id: org.session })),
    )
    const page = await listCommands(db, org.orgId, { query: { search }, owner: undefined })
    expect(page.items.map(({ command }) => command)).toEqual(found)
  })

  test('orphans are the running commands of nodes that are not among the living', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedSession(opened.database)
    const dead = newId<NodeId>()
    const [orphan] = await addCommands(db, org, [
      { session_id: org.session, status: 'running', node_id: dead },
      { session_id: org.session, status: 'running' },
      { session_id: org.session, status: 'completed', node_id: dead },
    ])
    expect(await listOrphanCommandsAcrossOrgs(db, { livingNodes: [NODE], limit: 10 })).toEqual([
      { id: orphan, orgId: org.orgId, userId: org.alice, sessionId: org.session },
    ])
    expect(await listOrphanCommandsAcrossOrgs(db, { livingNodes: [], limit: 10 })).toHaveLength(2)
  })
})
