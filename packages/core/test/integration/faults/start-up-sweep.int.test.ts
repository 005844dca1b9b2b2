import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { SYSTEM_USER_ID } from '../../../src/db/repositories/user.repository.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { startKrown } from '../../support/krown-fixture.js'
import { addCommands, addSessions, seedOrg } from '../db/seed.js'
import { addNode, journalOf, leaveOpen } from './left-open.js'

const START = Date.UTC(2026, 5, 1)
/** Longer ago than a living process is ever silent. */
const LONG_AGO = START - 20_000

const bySystem = { actorKind: 'system', actorUserId: SYSTEM_USER_ID, outcome: 'failure' }

describeOnBothDatabases('what a dead process left open', (openTestDatabase, kind) => {
  test('its running commands are interrupted at the next start, by the system', async () => {
    await using opened = await openTestDatabase()
    const org = await seedOrg(opened.database)
    const node = await addNode(opened.database, LONG_AGO)
    const { sessions, commands } = await leaveOpen(opened.database, org, { node, sessions: 1 })
    await using fixture = await startKrown({ place: opened.place, clock: new FakeClock(START) })
    const client = fixture.krown.as(await fixture.krown.actors.system(org.orgId))
    expect((await client.commands.list()).items).toMatchObject([
      {
        id: commands[0],
        status: 'interrupted',
        errorCode: 'SESSION_LOST',
        exitCode: null,
        finishedAt: new Date(START).toISOString(),
      },
    ])
    expect((await client.journal.list({ resourceId: commands[0] })).items).toMatchObject([
      {
        ...bySystem,
        action: 'command.finished',
        facts: {
          sessionId: sessions[0],
          status: 'interrupted',
          errorCode: 'SESSION_LOST',
          ownerUserId: org.alice,
        },
      },
    ])
  })

  test('its sessions end at the next start, by the system; one that was not open yet has failed', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedOrg(opened.database)
    const node_id = await addNode(opened.database, LONG_AGO)
    const ids = await addSessions(db, org, [
      { node_id, status: 'connected' },
      { node_id, status: 'connecting' },
    ])
    await using fixture = await startKrown({ place: opened.place, clock: new FakeClock(START) })
    const client = fixture.krown.as(await fixture.krown.actors.system(org.orgId))
    for (const [id, status] of [
      [ids[0], 'disconnected'],
      [ids[1], 'error'],
    ] as const) {
      const ended = { id, status, statusReason: 'server_restart', endedAt: new Date(START).toISOString() }
      expect((await client.sessions.list({ status })).items).toMatchObject([ended])
      expect((await client.journal.list({ resourceId: id })).items).toMatchObject([
        {
          ...bySystem,
          action: 'session.closed',
          facts: { reason: 'server_restart', ownerUserId: org.alice },
        },
      ])
    }
    expect(await client.journal.verify()).toMatchObject({ ok: true })
  })

  test('what had ended stays as it was, and a further start finds nothing to do', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedOrg(opened.database)
    const node = await addNode(opened.database, LONG_AGO)
    const [ended] = await addSessions(db, org, [
      { node_id: node, status: 'disconnected', status_reason: 'closed_by_user', ended_at: 5 },
    ])
    if (ended) await addCommands(db, org, [{ session_id: ended, node_id: node, status: 'completed' }])
    await leaveOpen(opened.database, org, { node, sessions: 2 })
    const start = () => startKrown({ place: opened.place, clock: new FakeClock(START) })
    const first = await start()
    const journal = await journalOf(first.krown, org.orgId)
    const nodes = await db.selectFrom('nodes').select('id').execute()
    await first[Symbol.asyncDispose]()
    await using second = await start()
    expect(await journalOf(second.krown, org.orgId)).toEqual(journal)
    expect(journal.filter(({ outcome }) => outcome === 'failure')).toHaveLength(4)
    const client = second.krown.as(await second.krown.actors.system(org.orgId))
    expect((await client.sessions.list({ status: 'disconnected' })).items.at(-1)).toMatchObject({
      id: ended,
      statusReason: 'closed_by_user',
      endedAt: '1970-01-01T00:00:00.005Z',
    })
    expect((await client.commands.list({ status: 'completed' })).items).toHaveLength(1)
    // The dead node, and then the first, are not among the nodes any more.
    expect(nodes).toHaveLength(1)
    expect(await db.selectFrom('nodes').select('id').execute()).toHaveLength(1)
    expect(nodes).not.toContainEqual({ id: node })
  })

  test('more than is read at once, of several organizations, is closed once each', async () => {
    await using opened = await openTestDatabase()
    const node = await addNode(opened.database, LONG_AGO)
    const orgs = [await seedOrg(opened.database), await seedOrg(opened.database)]
    const left = []
    for (const [i, org] of orgs.entries())
      left.push(await leaveOpen(opened.database, org, { node, sessions: [210, 20][i] ?? 0 }))
    await using fixture = await startKrown({ place: opened.place, clock: new FakeClock(START) })
    for (const [i, org] of orgs.entries()) {
      const closed = (await journalOf(fixture.krown, org.orgId)).filter(
        ({ outcome }) => outcome === 'failure',
      )
      const ids = [...(left[i]?.commands ?? []), ...(left[i]?.sessions ?? [])]
      expect(closed.map(({ resourceId }) => resourceId).sort()).toEqual(ids.sort())
      const client = fixture.krown.as(await fixture.krown.actors.system(org.orgId))
      expect(await client.journal.verify()).toMatchObject({ ok: true })
    }
    const open = fixture.db.selectFrom('sessions').select('id').where('ended_at', 'is', null)
    expect(await open.execute()).toEqual([])
  })

  // On PostgreSQL it means that the process lives: see `several-nodes.int.test.ts`.
  if (kind === 'sqlite')
    test('on SQLite a recent sign of life means nothing: there is one process at a time', async () => {
      await using opened = await openTestDatabase()
      const org = await seedOrg(opened.database)
      for (const heartbeatAt of [START, START + 3_600_000]) {
        const node = await addNode(opened.database, heartbeatAt)
        await leaveOpen(opened.database, org, { node, sessions: 1 })
      }
      await using fixture = await startKrown({ place: opened.place, clock: new FakeClock(START) })
      const { items } = await fixture.krown
        .as(await fixture.krown.actors.system(org.orgId))
        .commands.list({ status: 'interrupted' })
      expect(items).toHaveLength(2)
      expect(await fixture.db.selectFrom('nodes').select('id').execute()).toHaveLength(1)
    })
})
