import { FakeClock, startHostileSshServer, waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import type { SessionEvent } from '../../../src/model/session-event.js'
import { describeOnBothDatabases, describeOnPostgres } from '../../support/databases.js'
import { allEvents, eventsUntil } from '../../support/events.js'
import { krownStarter, refusalOf, startKrown } from '../../support/krown-fixture.js'

const MINUTE = 60_000
/** So that no connection is lost while the fake clock is moved. */
const NO_KEEPALIVE = { ssh: { keepaliveInterval: '24h' } }

function following(events: AsyncIterable<SessionEvent>): AsyncIterator<SessionEvent> {
  return events[Symbol.asyncIterator]()
}

describeOnBothDatabases('session events', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('what is told is on record already', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const { db, operator } = fixture
    const told: string[] = []
    const following = (async () => {
      for await (const event of operator.sessions.events()) {
        if (event.type === 'gap' || event.type === 'command_output') continue
        const { id } = event.type === 'session_status' ? event.session : event.command
        const table = event.type === 'session_status' ? 'sessions' : 'command_logs'
        const { status } = await db
          .selectFrom(table)
          .select('status')
          .where('id', '=', id)
          .executeTakeFirstOrThrow()
        told.push(`${event.type} ${status}`)
        if (event.type === 'session_status' && event.session.endedAt) return
      }
    })()
    const session = await fixture.open(target)
    const { id } = await operator.commands.start({ sessionId: session.id, command: 'hang' })
    await waitFor(() => told.length === 3, { what: 'the start to be told' })
    await operator.commands.cancel(id)
    await session.close()
    await following
    expect(told[2]).toBe('command_started running')
    expect(told.slice(3)).toEqual(['command_finished cancelled', 'session_status disconnected'])
  })

  test('what somebody else runs in a session is for who may see all commands', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const { operator, admin } = fixture
    const session = await fixture.open(target)
    const foreign = await admin.sessions.execute(session.id, { command: 'echo secret' })
    const own = await session.exec('echo mine')
    await session.close()
    const idsFor = async (events: AsyncIterable<SessionEvent>) =>
      (await allEvents(events)).flatMap((event) => (event.type === 'command_started' ? event.command.id : []))
    const options = { sessionId: session.id, after: 0 }
    expect(await idsFor(operator.sessions.events(options))).toEqual([own.id])
    expect(await idsFor(fixture.as('auditor').sessions.events(options))).toEqual([foreign.id, own.id])
    const events = await allEvents(operator.sessions.events(options))
    expect(events.map(({ type }) => type)).not.toContain('gap')
    expect(JSON.stringify(events)).not.toContain('secret')
  })

  test('B10: an auditor who is one no more hears of others no more, and what it followed ends', async () => {
    await using target = await startHostileSshServer()
    const clock = new FakeClock()
    await using fixture = await start({ clock, config: NO_KEEPALIVE })
    const { operator } = fixture
    const auditor = fixture.as('auditor')
    const session = await fixture.open(target)
    const [one, all] = [
      following(auditor.sessions.events({ sessionId: session.id })),
      following(auditor.sessions.events()),
    ]
    await one.next()
    const heard = all.next()
    await session.exec('echo before')
    expect((await heard).value).toMatchObject({ type: 'command_started' })
    await eventsUntil(one, 'command_finished')
    const { userId } = fixture.actors.auditor
    await fixture.db
      .updateTable('memberships')
      .set({ audit_scope: 'own' })
      .where('user_id', '=', userId)
      .execute()
    const ended = refusalOf(one.next() as Promise<unknown>)
    // Nothing happens in the session; what was known of the user is at most 2 s old, and is asked for every 2 s.
    await clock.advanceAsync(2_000)
    await clock.advanceAsync(2_000)
    expect(await ended).toMatchObject({ code: 'NOT_FOUND' })
    const late = all.next()
    await operator.sessions.execute(session.id, { command: 'echo secret' })
    await session.close()
    const closing = fixture.krown.close()
    expect((await refusalOf(late)).code).toBe('DRAINING')
    await closing
  })

  test('B10: who is disabled by another process is let go while nothing happens', async () => {
    await using target = await startHostileSshServer()
    const clock = new FakeClock()
    await using fixture = await start({ clock, config: NO_KEEPALIVE })
    const session = await fixture.open(target)
    const auditor = fixture.as('auditor')
    const streams = [auditor.sessions.events({ sessionId: session.id }), auditor.sessions.events()].map(
      following,
    )
    await streams[0]?.next()
    const ends = streams.map((stream) => refusalOf(stream.next() as Promise<unknown>))
    const { userId } = fixture.actors.auditor
    await clock.advanceAsync(1)
    const set = { disabled_at: clock.now() }
    await fixture.db.updateTable('memberships').set(set).where('user_id', '=', userId).execute()
    await clock.advanceAsync(2_000)
    await clock.advanceAsync(2_000)
    for (const end of ends) expect((await end).code).toBe('UNAUTHENTICATED')
  })

  test('after ten minutes, or a restart, a session that ended has its end alone', async () => {
    await using target = await startHostileSshServer()
    const clock = new FakeClock()
    await using fixture = await start({ clock, config: NO_KEEPALIVE })
    const session = await fixture.open(target)
    await session.exec('echo gone')
    await session.close()
    const read = (after?: number) =>
      allEvents(fixture.operator.sessions.events({ sessionId: session.id, after }))
    await clock.advanceAsync(10 * MINUTE - 1_000)
    expect(await read(0)).toHaveLength(6)
    await clock.advanceAsync(1_000)
    const end = { type: 'session_status', session: { id: session.id, status: 'disconnected' } }
    expect(await read()).toMatchObject([end])
    expect(await read(4)).toMatchObject([
      { type: 'gap', sessionId: session.id, seq: 5, fromSeq: 5, toSeq: 5 },
      { ...end, seq: 6 },
    ])
    await fixture.krown.close()
    await using second = await startKrown({ place: fixture.place })
    expect(await allEvents(second.operator.sessions.events({ sessionId: session.id }))).toMatchObject([end])
  })

  test('when Krown ends, sessions have their last status and the stream of everything says why it ends', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target)
    const one = allEvents(fixture.operator.sessions.events({ sessionId: session.id, after: 0 }))
    const all = refusalOf(allEvents(fixture.operator.sessions.events()))
    await fixture.krown.close()
    expect((await one).at(-1)).toMatchObject({ session: { statusReason: 'server_shutdown' } })
    expect(await all).toMatchObject({ code: 'DRAINING' })
  })
})

describeOnPostgres('session events, of several processes', (openTestDatabase) => {
  test('what another process holds is followed there', async () => {
    await using target = await startHostileSshServer()
    await using opened = await openTestDatabase()
    await using holder = await startKrown({ place: opened.place })
    await using other = await startKrown({ place: opened.place })
    const session = await holder.open(target)
    const events = allEvents(other.operator.sessions.events({ sessionId: session.id }))
    expect(await refusalOf(events)).toMatchObject({ code: 'UNAVAILABLE' })
    await session.close()
    expect(await allEvents(other.operator.sessions.events({ sessionId: session.id }))).toMatchObject([
      { type: 'session_status', session: { statusReason: 'closed_by_user' } },
    ])
  })
})
