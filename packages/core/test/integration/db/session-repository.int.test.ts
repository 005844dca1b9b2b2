import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import {
  countLiveSessions,
  findSession,
  insertSessionQuery,
  listOrphanSessionsAcrossOrgs,
  listSessions,
  updateLiveSessionQuery,
} from '../../../src/db/repositories/session.repository.js'
import type { NodeId, SessionId, TargetId } from '../../../src/model/ids.js'
import type { SessionQuery } from '../../../src/model/session.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { addSessions, allPages, NODE, type SeededOrg, seedOrg, sessionRow } from './seed.js'

describeOnBothDatabases('sessions', (openTestDatabase) => {
  test('a session comes back as it was stored, with times in ISO form', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedOrg(opened.database)
    const row = sessionRow(org, {
      created_at: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
      host_key_newly_pinned: 1,
      bytes_in: 2 ** 52,
      bytes_out: 7,
    })
    await insertSessionQuery(db, org.orgId, row).execute()
    expect(await findSession(db, org.orgId, row.id)).toEqual({
      id: row.id,
      orgId: org.orgId,
      userId: org.alice,
      ownerName: org.alice,
      targetId: null,
      targetName: null,
      host: 'db.example.com',
      port: 22,
      username: 'root',
      authMethod: 'key',
      status: 'connected',
      statusReason: null,
      hostKeyFingerprint: null,
      hostKeyNewlyPinned: true,
      createdAt: '2026-01-02T03:04:05.006Z',
      connectedAt: null,
      lastActivityAt: null,
      endedAt: null,
      bytesIn: 2 ** 52,
      bytesOut: 7,
    })
  })

  test("another organization's session is absent: to find, to list, to count, to change", async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const [org, other] = [await seedOrg(opened.database), await seedOrg(opened.database)]
    const [id] = (await addSessions(db, org, [{}])) as [SessionId]
    expect(await findSession(db, other.orgId, id)).toBeUndefined()
    expect(await listSessions(db, other.orgId, { query: {}, owner: undefined })).toEqual({
      items: [],
      nextCursor: null,
    })
    expect(await countLiveSessions(db, other.orgId, org.alice)).toEqual({ ofUser: 0, ofOrg: 0 })
    await updateLiveSessionQuery(db, other.orgId, { id, set: { status: 'error' } }).execute()
    expect(await findSession(db, org.orgId, id)).toMatchObject({ status: 'connected' })
  })

  test('pages come newest first, without gap or duplicate, also while sessions are added', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedOrg(opened.database)
    const ids = await addSessions(
      db,
      org,
      Array.from({ length: 23 }, () => ({})),
    )
    const pages = await allPages(async (cursor) => {
      const page = await listSessions(db, org.orgId, { query: { limit: 5, cursor }, owner: undefined })
      await addSessions(db, org, [{}])
      return page
    })
    expect(pages.map((page) => page.length)).toEqual([5, 5, 5, 5, 3])
    expect(pages.flat().map(({ id }) => id)).toEqual([...ids].reverse())
  })

  test('a page that ends with the last session has no next one', async () => {
    await using opened = await openTestDatabase()
    const org = await seedOrg(opened.database)
    await addSessions(opened.database.db, org, [{}, {}])
    const list = (limit: number) =>
      listSessions(opened.database.db, org.orgId, { query: { limit }, owner: undefined })
    expect((await list(2)).nextCursor).toBeNull()
    expect((await list(1)).nextCursor).toEqual(expect.any(String))
  })

  test('every filter narrows the list, alone and together', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedOrg(opened.database)
    const targetId = newId<TargetId>()
    const [plain, bobs, ended, elsewhere, ofTarget] = await addSessions(db, org, [
      {},
      { user_id: org.bob },
      { status: 'disconnected', ended_at: 5 },
      { host: 'web.example.com' },
      { target_id: targetId, user_id: org.bob },
    ])
    const list = async (query: SessionQuery, owner: SeededOrg['alice'] | undefined = undefined) =>
      (await listSessions(db, org.orgId, { query, owner })).items.map(({ id }) => id)
    expect(await list({})).toEqual([ofTarget, elsewhere, ended, bobs, plain])
    expect(await list({ userId: org.bob })).toEqual([ofTarget, bobs])
    expect(await list({ status: 'disconnected' })).toEqual([ended])
    expect(await list({ host: 'WEB.example.com' })).toEqual([elsewhere])
    expect(await list({ targetId })).toEqual([ofTarget])
    expect(await list({ userId: org.bob, targetId, status: 'connected' })).toEqual([ofTarget])
    expect(await list({}, org.bob)).toEqual([ofTarget, bobs])
    expect(await list({ userId: org.alice }, org.bob)).toEqual([])
  })

  test('live sessions are counted for the user and for the organization', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const [org, other] = [await seedOrg(opened.database), await seedOrg(opened.database)]
    await addSessions(db, org, [{}, { status: 'connecting' }, { user_id: org.bob }, { ended_at: 9 }])
    await addSessions(db, other, [{}])
    expect(await countLiveSessions(db, org.orgId, org.alice)).toEqual({ ofUser: 2, ofOrg: 3 })
    expect(await countLiveSessions(db, org.orgId, org.bob)).toEqual({ ofUser: 1, ofOrg: 3 })
  })

  test('what has ended stays as it is', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedOrg(opened.database)
    const [id] = (await addSessions(db, org, [{}])) as [SessionId]
    const end = (reason: string, at: number) =>
      updateLiveSessionQuery(db, org.orgId, {
        id,
        set: { status: 'disconnected', status_reason: reason, ended_at: at },
      }).executeTakeFirstOrThrow()
    expect((await end('closed_by_user', 5)).numUpdatedRows).toBe(1n)
    expect((await end('server_restart', 6)).numUpdatedRows).toBe(0n)
    expect(await findSession(db, org.orgId, id)).toMatchObject({
      statusReason: 'closed_by_user',
      endedAt: '1970-01-01T00:00:00.005Z',
    })
  })

  test('orphans are the live sessions of nodes that are not among the living', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const [org, other] = [await seedOrg(opened.database), await seedOrg(opened.database)]
    const dead = newId<NodeId>()
    const [orphan] = await addSessions(db, org, [{ node_id: dead }, {}, { node_id: dead, ended_at: 3 }])
    const [foreign] = await addSessions(db, other, [{ node_id: dead, status: 'connecting' }])
    const orphans = await listOrphanSessionsAcrossOrgs(db, { livingNodes: [NODE], limit: 10 })
    expect(orphans).toHaveLength(2)
    expect(orphans).toEqual(
      expect.arrayContaining([
        { id: orphan, orgId: org.orgId, userId: org.alice, status: 'connected' },
        { id: foreign, orgId: other.orgId, userId: other.alice, status: 'connecting' },
      ]),
    )
    expect(await listOrphanSessionsAcrossOrgs(db, { livingNodes: [], limit: 2 })).toHaveLength(2)
  })
})
