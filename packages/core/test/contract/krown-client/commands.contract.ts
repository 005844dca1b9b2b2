import { expect, test } from 'vitest'
import { openSession, refusal, type World } from './world.js'

export function commandTests(world: () => World): void {
  test('start answers while the command runs, and get waits for its end', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const started = await operator.commands.start({
      sessionId: session.id,
      command: 'read line; echo "$line"; exit 6',
      stdinOpen: true,
    })
    expect(started).toMatchObject({ status: 'running', exitCode: null, finishedAt: null, durationMs: null })
    expect(await operator.commands.get(started.id)).toMatchObject({ status: 'running' })
    expect(await operator.commands.get(started.id, { waitMs: 10 })).toMatchObject({ status: 'running' })
    const ended = operator.commands.get(started.id, { waitMs: 60_000 })
    await operator.commands.write(started.id, 'hello\n')
    expect(await ended).toMatchObject({ status: 'completed', exitCode: 6, stdout: 'hello\n' })
  })

  test('execute answers after waitMs with a command that still runs', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const running = await operator.sessions.execute(session.id, { command: 'sleep 60', waitMs: 50 })
    expect(running).toMatchObject({ status: 'running' })
    expect(await operator.commands.cancel(running.id)).toMatchObject({ status: 'cancelled' })
  })

  test('closing standard input lets a reader end', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const input = { sessionId: session.id, command: 'wc -c', stdinOpen: true }
    const { id } = await operator.commands.start(input)
    await operator.commands.write(id, new Uint8Array(5))
    await operator.commands.closeStdin(id)
    expect(await operator.commands.get(id, { waitMs: 60_000 })).toMatchObject({ stdout: '5\n' })
  })

  test('writing to what has ended, or has its input closed, is a CONFLICT', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const ended = await session.exec('true')
    expect(await refusal(operator.commands.write(ended.id, 'x'))).toMatchObject({ code: 'CONFLICT' })
    expect(await refusal(operator.commands.closeStdin(ended.id))).toMatchObject({ code: 'CONFLICT' })
    const closed = await operator.commands.start({ sessionId: session.id, command: 'sleep 60' })
    expect(await refusal(operator.commands.write(closed.id, 'x'))).toMatchObject({ code: 'CONFLICT' })
    await operator.commands.cancel(closed.id)
  })

  test('cancelling twice, or what has ended, is fine', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const { id } = await operator.commands.start({ sessionId: session.id, command: 'sleep 60' })
    const cancelled = await operator.commands.cancel(id)
    expect(cancelled).toMatchObject({ status: 'cancelled' })
    expect(await operator.commands.cancel(id)).toEqual(cancelled)
    const ended = await session.exec('exit 7')
    expect(await operator.commands.cancel(ended.id)).toMatchObject({ status: 'completed', exitCode: 7 })
  })

  test('a list is newest first, by page, session, status and text', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    await using other = await openSession(world())
    const ids: string[] = []
    for (const text of ['Alpha', 'beta', 'Gamma']) ids.unshift((await session.exec(`echo ${text}`)).id)
    const elsewhere = await other.exec('echo alpha')
    const page = await operator.commands.list({ sessionId: session.id, limit: 2 })
    expect(page.items.map(({ id }) => id)).toEqual(ids.slice(0, 2))
    expect(page.items[0]).not.toHaveProperty('stdout')
    const rest = await operator.commands.list({
      sessionId: session.id,
      limit: 2,
      cursor: page.nextCursor ?? '',
    })
    expect(rest).toMatchObject({ items: [{ id: ids[2], command: 'echo Alpha' }], nextCursor: null })
    const found = await operator.commands.list({ search: 'ECHO ALPHA' })
    expect(found.items.map(({ id }) => id)).toEqual([elsewhere.id, ids[2]])
    const running = await operator.commands.list({ sessionId: session.id, status: 'running' })
    expect(running.items).toEqual([])
  })
}
