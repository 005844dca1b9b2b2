import { FakeClock, startHostileSshServer, waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import { describeOnBothDatabases } from '../../support/databases.js'
import { krownStarter, refusalOf, startKrown } from '../../support/krown-fixture.js'

const HOUR = 60 * 60_000

describeOnBothDatabases('users who lose their rights', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('B11: disabling a user ends the command it runs and the session, and both are closed in the journal', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target)
    const running = session.exec('hang')
    await waitFor(() => target.execs.length === 1, { what: 'the command' })
    await fixture.admin.users.update(fixture.actors.operator.userId, { disabled: true })
    expect(await running.catch((error) => error)).toMatchObject({ status: 'cancelled', killed: 'confirmed' })
    const ended = await waitFor(
      async () => {
        const now = await fixture.admin.sessions.get(session.id)
        return now.status === 'disconnected' && now
      },
      { what: 'the end of the session' },
    )
    expect(ended.statusReason).toBe('user_disabled')
    expect(await fixture.entries({ action: 'session.closed' })).toMatchObject([
      { resourceId: session.id, facts: { reason: 'user_disabled' } },
    ])
    const { items } = await fixture.admin.commands.list({ sessionId: session.id })
    expect(items).toMatchObject([{ status: 'cancelled' }])
  })

  test('B11: what a disabled user is opening is given up', async () => {
    await using target = await startHostileSshServer({ stallAt: 'auth' })
    await using fixture = await start()
    const opening = refusalOf(fixture.open(target))
    await waitFor(() => target.connections.length === 1, { what: 'the connection' })
    await fixture.admin.users.update(fixture.actors.operator.userId, { disabled: true })
    expect(await opening).toMatchObject({ code: 'SESSION_NOT_CONNECTED' })
    await waitFor(() => target.connections.length === 0, { what: 'the connection to be gone' })
  })

  test('a session that is being opened can be closed', async () => {
    await using target = await startHostileSshServer({ stallAt: 'auth' })
    await using fixture = await start()
    const opening = refusalOf(fixture.open(target))
    await waitFor(() => target.connections.length === 1, { what: 'the connection' })
    const [session] = (await fixture.operator.sessions.list({ status: 'connecting' })).items
    if (!session) throw new Error('no session is being opened')
    const closed = await fixture.operator.sessions.close(session.id)
    expect(closed).toMatchObject({ id: session.id, status: 'error', statusReason: 'session_not_connected' })
    expect(await opening).toMatchObject({
      code: 'SESSION_NOT_CONNECTED',
      details: { sessionId: session.id },
    })
    expect(await fixture.operator.sessions.close(session.id)).toEqual(closed)
  })

  test('A13: a user who was disabled by another process is refused, and what it has open ends by itself', async () => {
    await using target = await startHostileSshServer()
    const clock = new FakeClock()
    await using fixture = await start({ clock })
    const session = await fixture.open(target)
    const { userId } = fixture.actors.operator
    await fixture.db
      .updateTable('memberships')
      .set({ disabled_at: clock.now() })
      .where('user_id', '=', userId)
      .execute()
    // What was known of the user is at most 2 s old, and the job comes every 2 s.
    await clock.advanceAsync(2_000)
    await clock.advanceAsync(2_000)
    await waitFor(async () => (await fixture.admin.sessions.get(session.id)).status === 'disconnected', {
      what: 'the end of the session',
    })
    expect((await refusalOf(fixture.operator.sessions.list())).code).toBe('UNAUTHENTICATED')
  })

  test('B03: another operator does not learn that the session exists, an auditor may look but not touch', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target)
    const { id: commandId } = await session.exec('echo secret')
    const stranger = fixture.as('otherOperator')
    for (const attempt of [
      () => stranger.sessions.get(session.id),
      () => stranger.sessions.close(session.id),
      () => stranger.sessions.execute(session.id, { command: 'true' }),
      () => stranger.commands.get(commandId),
      () => stranger.commands.cancel(commandId),
      () => stranger.commands.list({ sessionId: session.id }),
    ])
      expect((await refusalOf(attempt())).code).toBe('NOT_FOUND')
    expect((await stranger.commands.list()).items).toEqual([])
    const auditor = fixture.as('auditor')
    expect((await auditor.commands.get(commandId)).command).toBe('echo secret')
    expect((await refusalOf(auditor.sessions.close(session.id))).code).toBe('FORBIDDEN')
    expect(target.execs).toHaveLength(1)
  })

  test('B01: a readonly user is refused before anything is read, and no packet goes out', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target)
    const readonly = fixture.as('readonly')
    expect((await refusalOf(fixture.open(target, { person: 'readonly' }))).code).toBe('FORBIDDEN')
    expect((await refusalOf(readonly.sessions.execute(session.id, { command: 'true' }))).code).toBe(
      'FORBIDDEN',
    )
    expect([target.connectionCount, target.execs.length]).toEqual([1, 0])
    expect(await fixture.entries({ action: 'access.denied' })).toMatchObject([
      { outcome: 'denied', facts: { permission: 'session:open', code: 'FORBIDDEN' } },
      {
        outcome: 'denied',
        facts: { permission: 'session:execute', code: 'FORBIDDEN' },
        resourceId: session.id,
      },
    ])
  })
})

test('an idle session is closed, one with an open command is not', async () => {
  await using target = await startHostileSshServer()
  const clock = new FakeClock()
  await using fixture = await startKrown({ clock, config: { ssh: { idleTimeout: '10m' } } })
  const idle = await fixture.open(target)
  const busy = await fixture.open(target)
  const running = busy.exec('hang', { timeoutMs: HOUR })
  await waitFor(() => target.execs.length === 1, { what: 'the command' })
  // Small steps: the jobs take their turn, and the keepalive gets its answers.
  for (let minutes = 0; minutes < 11; minutes += 1)
    for (let step = 0; step < 12; step += 1) {
      await clock.advanceAsync(5_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
  await waitFor(async () => (await fixture.operator.sessions.get(idle.id)).statusReason === 'idle_timeout', {
    what: 'the end of the idle session',
  })
  expect((await fixture.operator.sessions.get(busy.id)).status).toBe('connected')
  target.dropConnections()
  expect(await running).toMatchObject({ status: 'interrupted' })
})

test('H15: a wall clock that jumps ends no session and makes no negative duration', async () => {
  await using target = await startHostileSshServer()
  const clock = new FakeClock()
  await using fixture = await startKrown({ clock })
  const session = await fixture.open(target)
  const begun = clock.now()
  for (const jump of [HOUR, -HOUR, 10 * 365 * 24 * HOUR, -HOUR]) {
    const running = session.exec('cat', { stdin: 'x' })
    clock.setWallClock(clock.now() + jump)
    const { status, durationMs, startedAt, finishedAt } = await running
    expect(status).toBe('completed')
    expect(durationMs).toBeGreaterThanOrEqual(0)
    expect(Date.parse(finishedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(startedAt))
    await clock.advanceAsync(5_000)
    expect((await fixture.operator.sessions.get(session.id)).status).toBe('connected')
  }
  clock.setWallClock(begun)
  const entries = await fixture.entries()
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1))
  expect(await fixture.admin.journal.verify()).toMatchObject({ ok: true })
})
