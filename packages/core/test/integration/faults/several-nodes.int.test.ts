import {
  FakeClock,
  type HostileSshServer,
  startFaultProxy,
  startHostileSshServer,
  waitFor,
} from '@krown/testkit'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.js'
import { defer } from '../../../src/base/deferred.js'
import { newId } from '../../../src/base/ids.js'
import type { Database } from '../../../src/db/database.js'
import { listLivingNodes } from '../../../src/db/repositories/node.repository.js'
import { Journal } from '../../../src/journal/journal.js'
import type { NodeId, OrgId, UserId } from '../../../src/model/ids.js'
import { type SweepDeps, sweepDeadNodes } from '../../../src/sessions/nodes/sweep-dead-nodes.js'
import { type DatabasePlace, describeOnPostgres } from '../../support/databases.js'
import { elapse, type KrownFixture, refusalOf, startKrown } from '../../support/krown-fixture.js'
import { type SeededOrg, seedOrg } from '../db/seed.js'
import { addNode, leaveOpen } from './left-open.js'

const HEARTBEAT_MS = 5_000
/** Silent for so long is dead: four heartbeats. */
const BEATS_UNTIL_DEAD = 4

/** A process with a clock of its own: while the clock stands still, the process is as good as stopped. */
class Node implements AsyncDisposable {
  readonly fixture: KrownFixture
  readonly clock: FakeClock

  private constructor(fixture: KrownFixture, clock: FakeClock) {
    this.fixture = fixture
    this.clock = clock
  }

  static async start(place: DatabasePlace): Promise<Node> {
    const clock = new FakeClock()
    // The timers of recorders come and go, and those that stay are counted below.
    const config = { recordings: { mode: 'off' } } as const
    return new Node(await startKrown({ place, clock, config }), clock)
  }

  /** Time passes until the periodic jobs have run, all of them to their end. */
  async beat(times = 1): Promise<void> {
    for (let i = 0; i < times; i += 1) {
      const timers = this.clock.pendingTimers
      this.clock.advance(HEARTBEAT_MS)
      await waitFor(() => this.clock.pendingTimers === timers, { what: 'the periodic jobs' })
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.fixture[Symbol.asyncDispose]()
  }
}

/** A session of the node, with a command that does not end. */
async function openWork({ fixture }: Node, target: HostileSshServer) {
  const session = await fixture.open(target)
  const { id } = await fixture.operator.commands.start({ sessionId: session.id, command: 'hang' })
  return { session, commandId: id }
}

type Work = Awaited<ReturnType<typeof openWork>>

/** How the rows say it is, whoever holds it. */
async function rowsOf({ db }: Pick<Database, 'db'>, { session, commandId }: Work) {
  const [ofSession, ofCommand] = await Promise.all([
    db.selectFrom('sessions').selectAll().where('id', '=', session.id).executeTakeFirstOrThrow(),
    db.selectFrom('command_logs').selectAll().where('id', '=', commandId).executeTakeFirstOrThrow(),
  ])
  return { session: ofSession, command: ofCommand }
}

const OPEN = { session: { status: 'connected', ended_at: null }, command: { status: 'running' } }
const SWEPT = {
  session: { status: 'disconnected', status_reason: 'server_restart' },
  command: { status: 'interrupted', error_code: 'SESSION_LOST' },
}

/** What a sweep needs, as a process of its own would have it. */
function sweepDeps(database: Database): SweepDeps {
  const journal = new Journal({ database, clock: systemClock, newId })
  const systemActor = async (orgId: OrgId) =>
    ({ kind: 'system', userId: newId<UserId>(), orgId, username: 'system', clientIp: null }) as const
  return { db: database.db, journal, clock: systemClock, systemActor }
}

async function closedIn({ db }: Pick<Database, 'db'>, { orgId }: SeededOrg): Promise<(string | null)[]> {
  const entries = db.selectFrom('journal_entries').select('resource_id').where('org_id', '=', orgId)
  return (await entries.execute()).map(({ resource_id }) => resource_id)
}

describeOnPostgres('several processes on one database', (openTestDatabase) => {
  test('one that starts leaves alone what a living one holds', async () => {
    await using target = await startHostileSshServer()
    await using opened = await openTestDatabase()
    await using first = await Node.start(opened.place)
    const work = await openWork(first, target)
    await using second = await Node.start(opened.place)
    expect(await rowsOf(opened.database, work)).toMatchObject(OPEN)
    // For as long as it lives.
    for (let i = 0; i < 2 * BEATS_UNTIL_DEAD; i += 1) await Promise.all([first.beat(), second.beat()])
    expect(await rowsOf(opened.database, work)).toMatchObject(OPEN)
    expect(await work.session.exec('echo still here')).toMatchObject({ stdout: 'still here\n' })
    expect(await second.fixture.entries({ outcome: 'failure' })).toEqual([])
  })

  test('one that falls silent is cleaned up by the others, who go on', async () => {
    await using target = await startHostileSshServer()
    await using opened = await openTestDatabase()
    await using silent = await Node.start(opened.place)
    await using other = await Node.start(opened.place)
    const [work, others] = [await openWork(silent, target), await openWork(other, target)]
    await other.beat(BEATS_UNTIL_DEAD - 1)
    expect(await rowsOf(opened.database, work)).toMatchObject(OPEN)
    await other.beat()
    expect(await rowsOf(opened.database, work)).toMatchObject(SWEPT)
    expect(await rowsOf(opened.database, others)).toMatchObject(OPEN)
    expect(await other.fixture.entries({ outcome: 'failure' })).toMatchObject([
      { action: 'command.finished', resourceId: work.commandId, actorKind: 'system' },
      { action: 'session.closed', resourceId: work.session.id, actorKind: 'system' },
    ])
    await other.beat(BEATS_UNTIL_DEAD)
    expect(await other.fixture.entries({ outcome: 'failure' })).toHaveLength(2)
  })

  test('one that starts cleans up after those that died before', async () => {
    await using opened = await openTestDatabase()
    const org = await seedOrg(opened.database)
    const clock = new FakeClock()
    const [dead, living] = [
      await addNode(opened.database, clock.now() - BEATS_UNTIL_DEAD * HEARTBEAT_MS),
      await addNode(opened.database, clock.now() - BEATS_UNTIL_DEAD * HEARTBEAT_MS + 1),
    ]
    const left = await leaveOpen(opened.database, org, { node: dead, sessions: 2 })
    await leaveOpen(opened.database, org, { node: living, sessions: 2 })
    await using fixture = await startKrown({ place: opened.place, clock })
    const ended = fixture.db.selectFrom('sessions').select('id').where('ended_at', 'is not', null)
    expect((await ended.execute()).map(({ id }) => id).sort()).toEqual(left.sessions.sort())
    const finished = fixture.db.selectFrom('command_logs').select('id').where('status', '<>', 'running')
    expect((await finished.execute()).map(({ id }) => id).sort()).toEqual(left.commands.sort())
    const nodes = await listLivingNodes(fixture.db, 0)
    expect(nodes).toContain(living)
    expect(nodes).not.toContain(dead)
  })

  test('one that was taken for dead and comes back ends what it still holds, and nothing is journaled twice', async () => {
    await using target = await startHostileSshServer()
    await using opened = await openTestDatabase()
    await using silent = await Node.start(opened.place)
    await using other = await Node.start(opened.place)
    const work = await openWork(silent, target)
    await other.beat(BEATS_UNTIL_DEAD)
    const swept = await rowsOf(opened.database, work)
    expect(swept).toMatchObject(SWEPT)
    const known = () => silent.fixture.operator.commands.get(work.commandId)
    const ended = waitFor(async () => (await known()).status !== 'running', { what: 'the command to end' })
    await elapse(silent.clock, ended, 1_000)
    expect(await known()).toMatchObject({ status: 'interrupted', errorCode: 'SESSION_LOST' })
    expect(await refusalOf(work.session.exec('true'))).toMatchObject({
      code: expect.stringMatching(/^SESSION_/),
    })
    expect(await rowsOf(opened.database, work)).toEqual(swept)
    const ends = async (resourceId: string) =>
      (await other.fixture.entries({ resourceId })).map((e) => e.action)
    expect(await ends(work.commandId)).toEqual(['command.started', 'command.finished'])
    expect(await ends(work.session.id)).toEqual(['session.opening', 'session.opened', 'session.closed'])
  })

  test('one that was taken for dead is among the living again with its next heartbeat', async () => {
    await using target = await startHostileSshServer()
    await using opened = await openTestDatabase()
    await using silent = await Node.start(opened.place)
    const [id] = await listLivingNodes(opened.database.db, 0)
    await using other = await Node.start(opened.place)
    await other.beat(BEATS_UNTIL_DEAD)
    expect(await listLivingNodes(opened.database.db, 0)).not.toContain(id)
    await silent.beat(BEATS_UNTIL_DEAD)
    expect(await listLivingNodes(opened.database.db, 0)).toContain(id)
    const work = await openWork(silent, target)
    for (let i = 0; i < 2 * BEATS_UNTIL_DEAD; i += 1) await Promise.all([silent.beat(), other.beat()])
    expect(await rowsOf(opened.database, work)).toMatchObject({ ...OPEN, session: { node_id: id } })
  })

  test('after an outage of the database none takes the others for dead', async () => {
    await using target = await startHostileSshServer()
    await using opened = await openTestDatabase()
    const { place } = opened
    if (place.kind !== 'postgres') throw new Error('not PostgreSQL')
    const url = new URL(place.url)
    await using proxy = await startFaultProxy({ host: url.hostname, port: Number(url.port) })
    url.port = String(proxy.port)
    const nodes = [
      await Node.start({ ...place, url: url.href }),
      await Node.start({ ...place, url: url.href }),
    ]
    const works = await Promise.all(nodes.map((node) => openWork(node, target)))
    await proxy.down()
    for (const node of nodes) await node.beat(2 * BEATS_UNTIL_DEAD)
    await proxy.pass()
    // One after the other, and for longer than it takes to be dead.
    for (let i = 0; i < 2 * BEATS_UNTIL_DEAD; i += 1) for (const node of nodes) await node.beat()
    for (const work of works) expect(await rowsOf(opened.database, work)).toMatchObject(OPEN)
    expect(await nodes[0]?.fixture.entries({ outcome: 'failure' })).toEqual([])
    for (const node of nodes) await node[Symbol.asyncDispose]()
  })

  test('two that clean up at once journal each end once', async () => {
    await using opened = await openTestDatabase()
    const org = await seedOrg(opened.database)
    const node = await addNode(opened.database, 0)
    const left = await leaveOpen(opened.database, org, { node, sessions: 20 })
    const bothHaveRead = defer<void>()
    let reading = 2
    const sweepers = [opened.database, await opened.openAgain()].map((database) => {
      const deps = sweepDeps(database)
      const systemActor = async (orgId: OrgId) => {
        reading -= 1
        if (reading === 0) bothHaveRead.resolve()
        await bothHaveRead.promise
        return deps.systemActor(orgId)
      }
      return sweepDeadNodes({ ...deps, systemActor }, async () => [])
    })
    await Promise.all(sweepers)
    expect((await closedIn(opened.database, org)).sort()).toEqual([...left.commands, ...left.sessions].sort())
  })

  test('one that joins while another cleans up keeps what it opens', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedOrg(opened.database)
    await leaveOpen(opened.database, org, { node: await addNode(opened.database, 0), sessions: 1 })
    let joined: NodeId | undefined
    const listLivingBeforeItJoins = async () => {
      const living = await listLivingNodes(db, 500)
      if (joined) return living
      joined = await addNode(opened.database, 1_000)
      await leaveOpen(opened.database, org, { node: joined, sessions: 1 })
      return living
    }
    await sweepDeadNodes(sweepDeps(opened.database), listLivingBeforeItJoins)
    const open = db.selectFrom('sessions').select('node_id').where('ended_at', 'is', null)
    const running = db.selectFrom('command_logs').select('node_id').where('status', '=', 'running')
    expect(await open.execute()).toEqual([{ node_id: joined }])
    expect(await running.execute()).toEqual([{ node_id: joined }])
  })
})
