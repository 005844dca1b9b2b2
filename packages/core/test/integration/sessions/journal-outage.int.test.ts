import { FakeClock, type FaultProxy, startFaultProxy, startHostileSshServer, waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { CommandId, SessionId } from '../../../src/model/ids.js'
import {
  type DatabasePlace,
  describeOnPostgres,
  type OpenedTestDatabase,
  type OpenTestDatabase,
} from '../../support/databases.js'
import { eventsUntil } from '../../support/events.js'
import { elapse, type KrownFixture, refusalOf, startKrown } from '../../support/krown-fixture.js'

/** The longest that a late result waits for its next attempt. */
const RETRY_MS = 15_000

async function behindProxy({
  place,
}: OpenedTestDatabase): Promise<{ proxy: FaultProxy; place: DatabasePlace }> {
  if (place.kind !== 'postgres') throw new Error('only PostgreSQL is reached over a network')
  const url = new URL(place.url)
  const proxy = await startFaultProxy({ host: url.hostname, port: Number(url.port) })
  url.port = String(proxy.port)
  return { proxy, place: { ...place, url: url.href } }
}

/** A gateway whose database can fail, and a direct way to that database. */
async function startWorld(openTestDatabase: OpenTestDatabase) {
  const opened = await openTestDatabase()
  const { proxy, place } = await behindProxy(opened)
  const target = await startHostileSshServer()
  const clock = new FakeClock()
  const fixture = await startKrown({ place, clock })
  const stop = async () => {
    await proxy.pass()
    await fixture[Symbol.asyncDispose]()
    await target.stop()
    await proxy.stop()
    await opened[Symbol.asyncDispose]()
  }
  return { fixture, target, clock, proxy, db: opened.database.db, [Symbol.asyncDispose]: stop }
}

type World = Awaited<ReturnType<typeof startWorld>>

const rowOf = ({ db }: World, id: CommandId) =>
  db.selectFrom('command_logs').selectAll().where('id', '=', id).executeTakeFirst()

async function startCat({ operator }: KrownFixture, sessionId: SessionId): Promise<CommandId> {
  const { id } = await operator.commands.start({ sessionId, command: 'cat', stdinOpen: true })
  return id
}

const actionsOf = async ({ fixture }: World, resourceId: string) =>
  (await fixture.entries({ resourceId })).map(({ action }) => action)

describeOnPostgres('a journal that cannot be written', (openTestDatabase) => {
  test('H03: nothing is sent to the target while the database is down, and the same id runs later', async () => {
    await using world = await startWorld(openTestDatabase)
    const { fixture, target, proxy } = world
    const session = await fixture.open(target)
    await proxy.down()
    expect(await refusalOf(session.exec('echo one'))).toMatchObject({
      code: 'AUDIT_UNAVAILABLE',
      retryable: true,
    })
    const commandId = newId<CommandId>()
    expect(await refusalOf(session.exec('echo two', { commandId }))).toMatchObject({ kind: 'unavailable' })
    const withoutWaiting = fixture.operator.sessions.execute(session.id, { command: 'echo three', waitMs: 0 })
    expect(await refusalOf(withoutWaiting)).toMatchObject({ kind: 'unavailable' })
    // What limits the opening of sessions is asked first, and is in the same database.
    expect(await refusalOf(fixture.open(target))).toMatchObject({ kind: 'unavailable', retryable: true })
    expect(target.execs).toEqual([])
    expect(target.connectionCount).toBe(1)
    await proxy.pass()
    expect(await session.exec('echo two', { commandId })).toMatchObject({ stdout: 'two\n' })
    expect(target.execs.map(({ command }) => command)).toEqual(['echo two'])
    await elapse(
      world.clock,
      waitFor(() => world.clock.monotonic() > 4 * RETRY_MS, { what: 'retries' }),
      1_000,
    )
    const { items } = await fixture.admin.commands.list()
    expect(items.map(({ id }) => id)).toEqual([commandId])
    // What was never stored leaves no trace of an end either.
    expect(await fixture.entries({ action: 'command.finished' })).toHaveLength(1)
    expect(await fixture.entries({ action: 'session.open_failed' })).toEqual([])
    expect(await fixture.admin.journal.verify()).toMatchObject({ ok: true })
  })

  test('H03: a connection that breaks while the intent is written: nothing is sent', async () => {
    await using world = await startWorld(openTestDatabase)
    const { fixture, target, proxy } = world
    const session = await fixture.open(target)
    const cut = proxy.cutWhenClientSends('"command_logs"')
    expect(await refusalOf(session.exec('echo one'))).toMatchObject({ code: 'AUDIT_UNAVAILABLE' })
    await cut
    expect(target.execs).toEqual([])
    expect(await session.exec('echo two')).toMatchObject({ stdout: 'two\n' })
  })

  test('H05: a commit that was made and whose answer was lost: the command runs, once', async () => {
    await using world = await startWorld(openTestDatabase)
    const { fixture, target, proxy } = world
    const session = await fixture.open(target)
    const commandId = newId<CommandId>()
    const cut = proxy.cutWhenClientSends('commit\0', { delivered: true })
    const command = await session.exec('echo once', { commandId })
    await cut
    expect(command).toMatchObject({ status: 'completed', stdout: 'once\n', errorCode: null })
    expect(target.execs).toHaveLength(1)
    expect(await rowOf(world, commandId)).toMatchObject({ status: 'completed' })
    expect(await actionsOf(world, commandId)).toEqual(['command.started', 'command.finished'])
  })

  test('H05: a commit that never arrived: refused, nothing ran, and the same id runs later', async () => {
    await using world = await startWorld(openTestDatabase)
    const { fixture, target, proxy } = world
    const session = await fixture.open(target)
    const commandId = newId<CommandId>()
    const cut = proxy.cutWhenClientSends('commit\0')
    expect(await refusalOf(session.exec('echo once', { commandId }))).toMatchObject({
      code: 'AUDIT_UNAVAILABLE',
    })
    await cut
    expect(target.execs).toEqual([])
    // What is written about the refusal must not be in the way of the retry.
    const retried = () => session.exec('echo once', { commandId }).then(Boolean, () => false)
    await waitFor(retried, { what: 'the retry to run' })
    expect(target.execs).toHaveLength(1)
    expect(await actionsOf(world, commandId)).toEqual(['command.started', 'command.finished'])
  })

  test('H05: a commit in doubt is never run, and its row does not stay running', async () => {
    await using world = await startWorld(openTestDatabase)
    const { fixture, target, proxy, clock } = world
    const session = await fixture.open(target)
    const commandId = newId<CommandId>()
    const down = proxy.cutWhenClientSends('commit\0', { delivered: true }).then(() => proxy.down())
    const refused = refusalOf(session.exec('echo never', { commandId }))
    await elapse(clock, refused)
    expect(await refused).toMatchObject({ code: 'AUDIT_UNAVAILABLE' })
    await down
    expect(await rowOf(world, commandId)).toMatchObject({ status: 'running' })
    await proxy.pass()
    const closed = async () => (await rowOf(world, commandId))?.status !== 'running'
    await elapse(clock, waitFor(closed, { what: 'the row to be closed' }), 500)
    expect(await rowOf(world, commandId)).toMatchObject({ status: 'failed', error_code: 'AUDIT_UNAVAILABLE' })
    expect(await actionsOf(world, commandId)).toEqual(['command.started', 'command.finished'])
    expect(await session.exec('echo never', { commandId })).toMatchObject({
      status: 'failed',
      exitCode: null,
    })
    expect(target.execs).toEqual([])
    expect(await fixture.admin.journal.verify()).toMatchObject({ ok: true })
  })

  test('H05: a session whose intent is in doubt does not stay in the way of others', async () => {
    await using world = await startWorld(openTestDatabase)
    const { fixture, target, proxy, clock, db } = world
    const down = proxy.cutWhenClientSends('commit\0', { delivered: true }).then(() => proxy.down())
    const refused = refusalOf(fixture.open(target))
    await elapse(clock, refused)
    expect(await refused).toMatchObject({ code: 'AUDIT_UNAVAILABLE' })
    await down
    expect(target.connectionCount).toBe(0)
    await proxy.pass()
    const live = () => db.selectFrom('sessions').select('id').where('ended_at', 'is', null).execute()
    expect(await live()).toHaveLength(1)
    const closed = async () => (await live()).length === 0
    await elapse(clock, waitFor(closed, { what: 'the row to be closed' }), 500)
    const rows = await db.selectFrom('sessions').select(['id', 'status', 'status_reason']).execute()
    expect(rows).toMatchObject([{ status: 'error', status_reason: 'audit_unavailable' }])
    expect(await actionsOf(world, rows[0]?.id ?? '')).toEqual(['session.opening', 'session.open_failed'])
  })

  test('a connection is not kept when the journal cannot say that it was opened', async () => {
    await using world = await startWorld(openTestDatabase)
    const { fixture, target, proxy } = world
    const cut = proxy.cutWhenClientSends('"sessions" set')
    const error = await refusalOf(fixture.open(target))
    await cut
    expect(error).toMatchObject({ code: 'AUDIT_UNAVAILABLE', details: { sessionId: expect.any(String) } })
    await waitFor(() => target.connections.length === 0, { what: 'the connection to be closed' })
    expect(target.execs).toEqual([])
  })

  test('H04: who follows the session is told of a result that waits, and of nothing that was never stored', async () => {
    await using world = await startWorld(openTestDatabase)
    const { fixture, target, proxy } = world
    const { operator } = fixture
    const session = await fixture.open(target)
    const events = operator.sessions.events({ sessionId: session.id })[Symbol.asyncIterator]()
    await events.next()
    const id = await startCat(fixture, session.id)
    await proxy.down()
    expect((await refusalOf(session.exec('echo never'))).code).toBe('AUDIT_UNAVAILABLE')
    await operator.commands.write(id, 'told')
    await operator.commands.closeStdin(id)
    expect(await eventsUntil(events, 'command_finished')).toMatchObject([
      { type: 'command_started', command: { id } },
      { type: 'command_output', commandId: id, data: 'told' },
      { type: 'command_finished', command: { id, status: 'completed', errorCode: 'AUDIT_UNAVAILABLE' } },
    ])
    await events.return?.()
  })

  test('H04: a result that cannot be written is answered as such, and written when it can', async () => {
    await using world = await startWorld(openTestDatabase)
    const { fixture, target, proxy, clock } = world
    const session = await fixture.open(target)
    const id = await startCat(fixture, session.id)
    await proxy.down()
    await fixture.operator.commands.write(id, 'the output is not lost')
    await fixture.operator.commands.closeStdin(id)
    const command = await fixture.operator.commands.get(id, { waitMs: 60_000 })
    expect(command).toMatchObject({
      status: 'completed',
      exitCode: 0,
      stdout: 'the output is not lost',
      errorCode: 'AUDIT_UNAVAILABLE',
    })
    expect(await rowOf(world, id)).toMatchObject({ status: 'running' })
    await clock.advanceAsync(60_000)
    await proxy.pass()
    const written = async () => (await rowOf(world, id))?.status === 'completed'
    await elapse(clock, waitFor(written, { what: 'the row' }), 500)
    expect(await rowOf(world, id)).toMatchObject({
      exit_code: 0,
      stdout_bytes: 'the output is not lost'.length,
    })
    expect(await actionsOf(world, id)).toEqual(['command.started', 'command.finished'])
    expect(await fixture.admin.journal.verify()).toMatchObject({ ok: true })
  })

  test('what runs can be ended while the database is down; who wanted it is journaled later', async () => {
    await using world = await startWorld(openTestDatabase)
    const { fixture, target, proxy, clock } = world
    const session = await fixture.open(target)
    const id = await startCat(fixture, session.id)
    await proxy.down()
    const cancelled = await fixture.operator.commands.cancel(id)
    expect(cancelled).toMatchObject({ status: 'cancelled', errorCode: 'AUDIT_UNAVAILABLE' })
    expect(target.signals).toEqual(['TERM'])
    await session.close()
    await waitFor(() => target.connections.length === 0, { what: 'the connection to be closed' })
    await proxy.pass()
    const open = () => world.db.selectFrom('sessions').select('id').where('ended_at', 'is', null).execute()
    await elapse(
      clock,
      waitFor(async () => (await open()).length === 0, { what: 'the rows' }),
      500,
    )
    expect(await actionsOf(world, id)).toEqual([
      'command.started',
      'command.cancel_requested',
      'command.finished',
    ])
    expect(await fixture.operator.sessions.get(session.id)).toMatchObject({
      status: 'disconnected',
      statusReason: 'closed_by_user',
    })
  })

  test('late results are written before the process ends, if the database is back', async () => {
    await using world = await startWorld(openTestDatabase)
    const { fixture, target, proxy } = world
    const session = await fixture.open(target)
    const id = await startCat(fixture, session.id)
    await proxy.down()
    await fixture.operator.commands.closeStdin(id)
    await fixture.operator.commands.get(id, { waitMs: 60_000 })
    await proxy.pass()
    await fixture.krown.close()
    expect(await rowOf(world, id)).toMatchObject({ status: 'completed' })
  })

  test('a gateway can be closed while its database is down', async () => {
    await using world = await startWorld(openTestDatabase)
    const { fixture, target, proxy, clock } = world
    const session = await fixture.open(target)
    await startCat(fixture, session.id)
    await proxy.down()
    await elapse(clock, fixture.krown.close())
    expect(clock.pendingTimers).toBe(0)
    await waitFor(() => target.connections.length === 0, { what: 'the connection to be closed' })
  })
})

test('H08: while another process holds the SQLite file, nothing runs; afterwards it does', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown()
  const session = await fixture.open(target)
  const holder = await fixture.db.startTransaction().execute()
  const commandId = newId<CommandId>()
  expect(await refusalOf(session.exec('echo one', { commandId }))).toMatchObject({
    code: 'AUDIT_UNAVAILABLE',
  })
  expect(target.execs).toEqual([])
  await holder.rollback().execute()
  const retried = () =>
    session.exec('echo one', { commandId }).then(
      ({ stdout }) => stdout === 'one\n',
      () => false,
    )
  await waitFor(retried, { what: 'the command to run' })
  expect(target.execs).toHaveLength(1)
  expect(await fixture.admin.journal.verify()).toMatchObject({ ok: true })
})
