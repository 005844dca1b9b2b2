import { FakeClock, type HostileSshServer, startHostileSshServer, waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { CommandId, SessionId } from '../../../src/model/ids.js'
import type { SessionHandle } from '../../../src/model/krown-client.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import {
  elapse,
  type KrownFixture,
  krownStarter,
  refusalOf,
  startKrown,
} from '../../support/krown-fixture.js'
import { CountedFlood } from './counted-flood.js'

const DRAIN_MS = 30_000
/** What a shutdown waits at most for a target that reacts to nothing: 4 s, and the rows are written meanwhile. */
const HURRY_MS = 8_000

/** A server whose commands react to nothing at all. */
const startDeafServer = () => startHostileSshServer({ onExec: (_command, channel) => void channel })

async function startCat({ operator }: KrownFixture, session: SessionHandle): Promise<CommandId> {
  const { id } = await operator.commands.start({ sessionId: session.id, command: 'cat', stdinOpen: true })
  return id
}

/** How a session ended, by its row. */
async function endOf(fixture: KrownFixture, id: SessionId) {
  const columns = ['status', 'status_reason', 'ended_at'] as const
  return fixture.db.selectFrom('sessions').select(columns).where('id', '=', id).executeTakeFirst()
}

const commandRow = (fixture: KrownFixture, id: CommandId) =>
  fixture.db.selectFrom('command_logs').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

const hasNoConnections = (target: HostileSshServer) =>
  waitFor(() => target.connections.length === 0, { what: 'the connections to be closed' })

describeOnBothDatabases('H12: a gateway that drains', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('H12: takes nothing new in, and lets what runs finish', async () => {
    await using target = await startHostileSshServer()
    const clock = new FakeClock()
    await using fixture = await start({ clock })
    const { operator, krown } = fixture
    const session = await fixture.open(target)
    const done = await session.exec('echo done', { commandId: newId() })
    const id = await startCat(fixture, session)
    const drained = krown.drain(DRAIN_MS)
    expect(krown.draining).toBe(true)
    const refused = [
      () => fixture.open(target),
      () => session.exec('true'),
      () => session.exec('true', { commandId: newId() }),
      () => session.stream('true'),
      () => operator.commands.start({ sessionId: session.id, command: 'true' }),
    ]
    for (const call of refused)
      expect(await refusalOf(call())).toMatchObject({ code: 'DRAINING', retryable: true })
    expect(await operator.sessions.execute(session.id, { command: 'echo done', commandId: done.id })).toEqual(
      done,
    )
    expect(await operator.commands.get(id)).toMatchObject({ status: 'running' })
    await operator.commands.write(id, 'to the end')
    await operator.commands.closeStdin(id)
    expect(await operator.commands.get(id, { waitMs: 60_000 })).toMatchObject({
      status: 'completed',
      stdout: 'to the end',
    })
    await drained
    expect(clock.monotonic()).toBe(0)
    expect(await endOf(fixture, session.id)).toMatchObject({
      status: 'disconnected',
      status_reason: 'server_shutdown',
    })
    expect(target.execs.map(({ command }) => command)).toEqual(['echo done', 'cat'])
    await hasNoConnections(target)
  })

  test('H12: ends what does not finish in time, and says why', async () => {
    await using target = await startHostileSshServer()
    const clock = new FakeClock()
    await using fixture = await start({ clock })
    const session = await fixture.open(target)
    const command = session.exec('hang')
    await waitFor(() => target.execs.length === 1, { what: 'the command' })
    const passed = await elapse(clock, fixture.krown.drain(DRAIN_MS))
    expect(passed).toBeGreaterThanOrEqual(DRAIN_MS)
    expect(passed).toBeLessThanOrEqual(DRAIN_MS + HURRY_MS)
    expect(await command).toMatchObject({
      status: 'interrupted',
      errorCode: 'DRAINING',
      signal: 'TERM',
      killed: 'confirmed',
    })
    expect(await endOf(fixture, session.id)).toMatchObject({ status_reason: 'server_shutdown' })
    const [entry] = await fixture.entries({ action: 'session.closed' })
    expect(entry).toMatchObject({ resourceId: session.id, facts: { reason: 'server_shutdown' } })
  })

  test('H12: a second stop does not wait for the first', async () => {
    await using target = await startHostileSshServer()
    const clock = new FakeClock()
    await using fixture = await start({ clock })
    const sessions = await Promise.all(Array.from({ length: 5 }, () => fixture.open(target)))
    const commands = sessions.map((session) => session.exec('hang'))
    await waitFor(() => target.execs.length === 5, { what: 'the commands' })
    const drained = fixture.krown.drain(DRAIN_MS)
    const closed = fixture.krown.close()
    expect(await elapse(clock, closed)).toBeLessThanOrEqual(HURRY_MS)
    for (const command of await Promise.all(commands))
      expect(command).toMatchObject({ status: 'interrupted' })
    for (const { id } of sessions)
      expect(await endOf(fixture, id)).toMatchObject({ status_reason: 'server_shutdown' })
    await elapse(clock, drained)
    await hasNoConnections(target)
  })

  test('H12: targets that react to nothing hold a shutdown up for seconds, all together', async () => {
    await using target = await startDeafServer()
    const clock = new FakeClock()
    await using fixture = await start({ clock })
    const sessions = await Promise.all(Array.from({ length: 3 }, () => fixture.open(target)))
    const ids: CommandId[] = []
    for (const { id } of sessions) {
      for (let i = 0; i < 3; i += 1)
        ids.push((await fixture.operator.commands.start({ sessionId: id, command: 'x' })).id)
    }
    expect(await elapse(clock, fixture.krown.close())).toBeLessThanOrEqual(HURRY_MS)
    for (const id of ids) {
      expect(await commandRow(fixture, id)).toMatchObject({
        status: 'interrupted',
        error_code: 'DRAINING',
        killed: 'unconfirmed',
      })
    }
    await hasNoConnections(target)
  })
})

test('H12: a shutdown hurries a kill that is under way', async () => {
  await using target = await startDeafServer()
  const clock = new FakeClock()
  await using fixture = await startKrown({ clock })
  const session = await fixture.open(target)
  const { id } = await fixture.operator.commands.start({ sessionId: session.id, command: 'x' })
  const cancelled = fixture.operator.commands.cancel(id)
  await waitFor(() => target.signals.length === 1, { what: 'the first signal' })
  expect(await elapse(clock, fixture.krown.close())).toBeLessThanOrEqual(HURRY_MS)
  expect(await cancelled).toMatchObject({ status: 'cancelled', killed: 'unconfirmed' })
})

test('H12: a shutdown hurries a session that is being closed', async () => {
  await using target = await startDeafServer()
  const clock = new FakeClock()
  await using fixture = await startKrown({ clock })
  const session = await fixture.open(target)
  await fixture.operator.commands.start({ sessionId: session.id, command: 'x' })
  const closedByUser = session.close()
  await waitFor(() => target.signals.length === 1, { what: 'the first signal' })
  expect(await elapse(clock, fixture.krown.close())).toBeLessThanOrEqual(HURRY_MS)
  expect(await closedByUser).toMatchObject({ statusReason: 'closed_by_user' })
})

test('H12: a shutdown does not wait for who reads what a lost connection left', async () => {
  const flood = new CountedFlood()
  await using target = await startHostileSshServer({ onExec: flood.onExec })
  const clock = new FakeClock()
  await using fixture = await startKrown({ clock })
  const session = await fixture.open(target)
  const stream = await session.stream('flood')
  await flood.held()
  target.dropConnections()
  await waitFor(() => target.connections.length === 0, { what: 'the connection to be gone' })
  expect(await elapse(clock, fixture.krown.close())).toBeLessThanOrEqual(HURRY_MS)
  expect(await stream.result).toMatchObject({ status: 'interrupted', errorCode: 'SESSION_LOST' })
})

test('H12: what is being opened is refused, and its row says so', async () => {
  for (const stallAt of ['handshake', 'auth'] as const) {
    await using target = await startHostileSshServer({ stallAt })
    const clock = new FakeClock()
    await using fixture = await startKrown({ clock })
    const opening = refusalOf(fixture.open(target))
    await waitFor(() => target.connections.length === 1, { what: 'the connection' })
    await fixture.krown.close()
    const error = await opening
    expect(error).toMatchObject({ code: 'DRAINING', details: { sessionId: expect.any(String) } })
    const row = await endOf(fixture, error.details?.sessionId as SessionId)
    expect(row).toMatchObject({ status: 'error', status_reason: 'draining' })
    expect(clock.pendingTimers).toBe(0)
    await hasNoConnections(target)
  }
})

test('H12: what still waits for a channel when time is up is refused: nothing ran', async () => {
  await using target = await startHostileSshServer()
  const clock = new FakeClock()
  await using fixture = await startKrown({ clock, config: { ssh: { maxChannelsPerSession: 1 } } })
  const session = await fixture.open(target)
  const running = session.exec('hang')
  await waitFor(() => target.execs.length === 1, { what: 'the command to run' })
  const commandId = newId<CommandId>()
  const waiting = refusalOf(session.exec('echo never', { commandId }))
  const known = () => fixture.operator.commands.get(commandId).then(Boolean, () => false)
  await waitFor(known, { what: 'the command to be queued' })
  await elapse(clock, fixture.krown.drain(0))
  expect(await waiting).toMatchObject({ code: 'DRAINING' })
  expect(await running).toMatchObject({ status: 'interrupted' })
  expect(target.execs.map(({ command }) => command)).toEqual(['hang'])
})

test('nothing is left over: no timer, no connection, no open row', async () => {
  await using target = await startHostileSshServer()
  const clock = new FakeClock()
  await using fixture = await startKrown({ clock })
  const session = await fixture.open(target)
  await session.exec('true')
  await startCat(fixture, session)
  await fixture.open(target, { person: 'otherOperator' })
  await refusalOf(fixture.as('readonly').sessions.get(session.id))
  await elapse(clock, fixture.krown.close())
  expect(clock.pendingTimers).toBe(0)
  await hasNoConnections(target)
  const open = await fixture.db.selectFrom('sessions').select('id').where('ended_at', 'is', null).execute()
  expect(open).toEqual([])
  const running = await fixture.db
    .selectFrom('command_logs')
    .select('id')
    .where('status', '=', 'running')
    .execute()
  expect(running).toEqual([])
  expect(await fixture.db.selectFrom('nodes').selectAll().execute()).toEqual([])
})
