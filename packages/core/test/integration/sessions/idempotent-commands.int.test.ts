import { FakeClock, type HostileSshServer, startHostileSshServer, waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { CommandId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { krownStarter, refusalOf, startKrown } from '../../support/krown-fixture.js'

const commandsOf = (target: HostileSshServer) => target.execs.map(({ command }) => command)

describeOnBothDatabases('C26: the same commandId again', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('C26: one after the other runs once, and both are answered with the same command', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target)
    const commandId = newId<CommandId>()
    const first = await session.exec('echo once', { commandId })
    const second = await session.exec('echo once', { commandId })
    expect(first).toMatchObject({ id: commandId, stdout: 'once\n' })
    expect(second).toEqual(first)
    expect(commandsOf(target)).toEqual(['echo once'])
    expect(await fixture.entries({ resourceId: commandId })).toHaveLength(2)
  })

  test('C26: at once runs once, and all are answered with the same command', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target)
    const commandId = newId<CommandId>()
    const all = await Promise.all(Array.from({ length: 10 }, () => session.exec('echo once', { commandId })))
    for (const command of all) expect(command).toEqual(all[0])
    expect(commandsOf(target)).toEqual(['echo once'])
  })

  test('C26: while it runs gives the running command, by every way of asking', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const { operator } = fixture
    const session = await fixture.open(target)
    const commandId = newId<CommandId>()
    const asked = { command: 'cat', stdinOpen: true, commandId }
    await operator.commands.start({ sessionId: session.id, ...asked })
    const again = await operator.commands.start({ sessionId: session.id, ...asked })
    expect(again).toMatchObject({ id: commandId, status: 'running' })
    const stream = await session.stream('cat', { stdinOpen: true, commandId })
    await stream.write('hello')
    await stream.closeStdin()
    const chunks: string[] = []
    for await (const { data } of stream) chunks.push(Buffer.from(data).toString())
    expect(chunks.join('')).toBe('hello')
    expect(commandsOf(target)).toEqual(['cat'])
  })

  test('C26: with another body, session or user is a CONFLICT and runs nothing', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target)
    const another = await fixture.open(target)
    const foreign = await fixture.open(target, { person: 'otherOperator' })
    const commandId = newId<CommandId>()
    await session.exec('echo once', { commandId })
    const conflicts = [
      () => session.exec('echo twice', { commandId }),
      () => session.exec('echo once', { commandId, stdin: '' }),
      () => session.exec('echo once', { commandId, timeoutMs: 1_000 }),
      () => session.exec('echo once', { commandId, maxOutputBytes: 5 }),
      () => another.exec('echo once', { commandId }),
      () => foreign.exec('echo once', { commandId }),
      () => fixture.admin.sessions.execute(session.id, { command: 'echo once', commandId }),
    ]
    for (const conflict of conflicts)
      expect(await refusalOf(conflict())).toMatchObject({ code: 'CONFLICT', details: { commandId } })
    expect(commandsOf(target)).toEqual(['echo once'])
  })

  test('C26: how long the caller waits is not part of the body', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target)
    const commandId = newId<CommandId>()
    const execute = (waitMs?: number) =>
      fixture.operator.sessions.execute(session.id, { command: 'echo once', commandId, waitMs })
    await execute(0)
    expect(await execute(60_000)).toMatchObject({ status: 'completed' })
    expect(await execute()).toMatchObject({ status: 'completed', stdout: 'once\n' })
    expect(commandsOf(target)).toEqual(['echo once'])
  })

  test('C26: after a timeout gives the command that timed out', async () => {
    await using target = await startHostileSshServer()
    const clock = new FakeClock()
    await using fixture = await start({ clock })
    const session = await fixture.open(target)
    const commandId = newId<CommandId>()
    const first = session.exec('hang', { commandId, timeoutMs: 1_000 })
    await waitFor(() => target.execs.length === 1, { what: 'the command' })
    await waitFor(
      () =>
        clock
          .advanceAsync(1_000)
          .then(() => fixture.operator.commands.get(commandId))
          .then(({ status }) => status !== 'running'),
      { what: 'the timeout' },
    )
    expect(await first).toMatchObject({ status: 'timed_out' })
    expect(await session.exec('hang', { commandId, timeoutMs: 1_000 })).toEqual(await first)
    expect(commandsOf(target)).toEqual(['hang'])
  })

  test('C26: after a restart gives the logged command, without its output', async () => {
    await using target = await startHostileSshServer()
    const opened = await openTestDatabase()
    const before = await startKrown({ place: opened.place })
    const commandId = newId<CommandId>()
    const session = await before.open(target)
    const first = await session.exec('echo once', { commandId })
    await before[Symbol.asyncDispose]()
    await using after = await startKrown({
      place: opened.place,
      remove: async () => opened[Symbol.asyncDispose](),
    })
    const again = await after.open(target)
    // The session is part of the body, so the retry names the old one, which has ended.
    expect(await refusalOf(again.exec('echo once', { commandId }))).toMatchObject({ code: 'CONFLICT' })
    const retried = await after.operator.sessions.execute(session.id, { command: 'echo once', commandId })
    expect(retried).toEqual({ ...first, stdout: null, stderr: null })
    expect(commandsOf(target)).toEqual(['echo once'])
  })

  test('C26: for an ended session, a command that is new is refused and one that ran is answered', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const session = await fixture.open(target)
    const commandId = newId<CommandId>()
    const first = await session.exec('echo once', { commandId })
    await session.close()
    expect(await session.exec('echo once', { commandId })).toEqual(first)
    const code = 'SESSION_NOT_CONNECTED'
    expect(await refusalOf(session.exec('echo once', { commandId: newId() }))).toMatchObject({ code })
    expect(await refusalOf(session.exec('echo twice', { commandId }))).toMatchObject({ code: 'CONFLICT' })
  })
})
