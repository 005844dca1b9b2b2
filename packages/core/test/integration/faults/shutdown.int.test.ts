import { FakeClock, findPostgres, startHostileSshServer, startPostgres, waitFor } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import type { CommandId } from '../../../src/model/ids.js'
import type { JournalEntry } from '../../../src/model/journal.js'
import type { SessionHandle } from '../../../src/model/krown-client.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import {
  configFor,
  elapse,
  type KrownFixture,
  krownStarter,
  loginTo,
  refusalOf,
  startKrown,
} from '../../support/krown-fixture.js'
import { GatewayProcess } from './gateway-process.js'

const DRAIN_MS = 30_000
const DEAF = 'deaf'

/** Knows a command that reacts to nothing, besides the built-in ones. */
const startTarget = () =>
  startHostileSshServer({
    onExec: (command, _channel, { runDefault }) => {
      if (command !== DEAF) runDefault()
    },
  })

/** What becomes of a command: `cat` ends when its input does, `hang` when it is told to, the third never. */
const ENDS = {
  cat: { status: 'completed', exitCode: 0, errorCode: null, killed: null },
  hang: { status: 'interrupted', errorCode: 'DRAINING', signal: 'TERM', killed: 'confirmed' },
  [DEAF]: { status: 'interrupted', errorCode: 'DRAINING', signal: null, killed: 'unconfirmed' },
} as const

interface Work {
  readonly session: SessionHandle
  readonly id: CommandId
  readonly command: keyof typeof ENDS
}

const COMMANDS = ['cat', 'hang', DEAF] as const

async function startWork(fixture: KrownFixture, session: SessionHandle, i: number): Promise<Work> {
  const command = COMMANDS[i % COMMANDS.length] ?? DEAF
  const asked = { sessionId: session.id, command, stdinOpen: true }
  return { session, command, id: (await fixture.operator.commands.start(asked)).id }
}

function journaled(entries: readonly JournalEntry[], id: string): JournalEntry[] {
  return entries.filter(({ resourceId }) => resourceId === id)
}

const actionsOf = (entries: readonly JournalEntry[]) => entries.map(({ action }) => action)

describeOnBothDatabases('H12: the end of a gateway', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('H12: of twenty sessions and what runs in them, each has its one end in the journal', async () => {
    await using target = await startTarget()
    await using opened = await openTestDatabase()
    const clock = new FakeClock()
    const fixture = await startKrown({ place: opened.place, clock })
    const sessions = await Promise.all(Array.from({ length: 20 }, () => fixture.open(target)))
    const works = await Promise.all(sessions.map((session, i) => startWork(fixture, session, i)))
    const drained = fixture.krown.drain(DRAIN_MS)
    for (const { id, command } of works) {
      if (command === 'cat') await fixture.operator.commands.closeStdin(id)
    }
    expect(await elapse(clock, drained)).toBeGreaterThanOrEqual(DRAIN_MS)
    for (const { id, command } of works)
      expect(await fixture.operator.commands.get(id)).toMatchObject(ENDS[command])
    await fixture[Symbol.asyncDispose]()
    // As the next process sees it, which has nothing to clean up.
    await using next = await startKrown({ place: opened.place })
    const entries = await next.entries()
    for (const { id, command, session } of works) {
      const { killed: _, ...end } = ENDS[command]
      expect(await next.operator.commands.get(id)).toMatchObject(ENDS[command])
      expect(actionsOf(journaled(entries, id))).toEqual(['command.started', 'command.finished'])
      expect(journaled(entries, id)[1]).toMatchObject({ facts: end })
      const ofSession = journaled(entries, session.id)
      expect(actionsOf(ofSession)).toEqual(['session.opening', 'session.opened', 'session.closed'])
      expect(ofSession[2]).toMatchObject({ facts: { reason: 'server_shutdown' } })
    }
    const { items } = await next.operator.sessions.list({ status: 'disconnected' })
    expect(items.map(({ statusReason }) => statusReason)).toEqual(Array(20).fill('server_shutdown'))
    expect(await next.admin.journal.verify()).toMatchObject({ ok: true })
    await waitFor(() => target.connections.length === 0, { what: 'the connections to be closed' })
  })

  test('H12: closing twice, at once and later, is closing once', async () => {
    await using target = await startTarget()
    const clock = new FakeClock()
    await using fixture = await start({ clock })
    const { krown } = fixture
    const session = await fixture.open(target)
    const running = session.exec('hang')
    await waitFor(() => target.execs.length === 1, { what: 'the command' })
    await elapse(clock, Promise.all([krown.close(), krown.close()]))
    await krown.close()
    await elapse(clock, krown.drain(DRAIN_MS))
    expect(await running).toMatchObject(ENDS.hang)
    const closed = fixture.db
      .selectFrom('journal_entries')
      .select('id')
      .where('action', '=', 'session.closed')
    expect(await closed.execute()).toHaveLength(1)
    expect(clock.pendingTimers).toBe(0)
    expect(await refusalOf(fixture.open(target))).toMatchObject({ code: 'DRAINING' })
    expect(target.connectionCount).toBe(1)
  })

  test('H12: a process that closes its gateway ends by itself', async () => {
    await using target = await startTarget()
    await using opened = await openTestDatabase()
    await using gateway = new GatewayProcess({
      act: 'come-and-go',
      name: 'only',
      config: configFor(opened.place),
      login: loginTo(target),
      clockAheadMs: 0,
    })
    await gateway.begin()
    expect(await gateway.exit()).toEqual({ code: 0, output: '' })
    expect(gateway.answered).toMatchObject([{ status: 'completed' }])
    const { db } = opened.database
    const sessions = await db.selectFrom('sessions').select('status_reason').execute()
    expect(sessions).toEqual([{ status_reason: 'server_shutdown' }])
    const commands = db.selectFrom('command_logs').select(['command', 'status']).orderBy('command')
    expect(await commands.execute()).toEqual([
      { command: 'echo only', status: 'completed' },
      { command: 'hang only', status: 'interrupted' },
    ])
    expect(await db.selectFrom('nodes').select('id').execute()).toEqual([])
  })
})

const hasPostgres = (await findPostgres()) !== undefined

describe.skipIf(!hasPostgres)('H12: the end of a gateway whose PostgreSQL is gone', () => {
  test('H12: it ends all the same, and the next start closes what it could not', async () => {
    await using server = await startPostgres()
    await using target = await startTarget()
    const place = { kind: 'postgres', url: await server.createDatabase(), schema: 'krown' } as const
    const clock = new FakeClock()
    const fixture = await startKrown({ place, clock })
    const session = await fixture.open(target)
    const running = session.exec('hang')
    await waitFor(() => target.execs.length === 1, { what: 'the command' })
    await server.kill()
    await elapse(clock, fixture.krown.close())
    expect(await running).toMatchObject({ status: 'interrupted', errorCode: 'AUDIT_UNAVAILABLE' })
    expect(clock.pendingTimers).toBe(0)
    await waitFor(() => target.connections.length === 0, { what: 'the connection to be closed' })
    await fixture[Symbol.asyncDispose]()
    await server.restart()
    const later = new FakeClock(clock.now() + 60_000)
    await using next = await startKrown({ place, clock: later })
    expect(await next.operator.sessions.get(session.id)).toMatchObject({ statusReason: 'server_restart' })
    const [command] = (await next.operator.commands.list()).items
    expect(command).toMatchObject({ status: 'interrupted', errorCode: 'SESSION_LOST' })
    expect(await next.admin.journal.verify()).toMatchObject({ ok: true })
  })
})
