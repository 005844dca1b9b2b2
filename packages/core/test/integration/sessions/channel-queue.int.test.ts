import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock, startHostileSshServer, startSshd, waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { CommandId } from '../../../src/model/ids.js'
import type { SessionHandle } from '../../../src/model/krown-client.js'
import { type KrownFixture, refusalOf, rootOf, startKrown } from '../../support/krown-fixture.js'

const ONE_CHANNEL = { ssh: { maxChannelsPerSession: 1 } }

/** Occupies a channel until it is told to end. */
async function occupy({ operator }: KrownFixture, session: SessionHandle) {
  const { id } = await operator.commands.start({ sessionId: session.id, command: 'cat', stdinOpen: true })
  return async () => {
    await operator.commands.closeStdin(id)
    await operator.commands.get(id, { waitMs: 60_000 })
  }
}

/** Resolves when the command is known: it waits for a channel, or runs. */
async function isQueued({ operator }: KrownFixture, id: CommandId): Promise<void> {
  const known = () => operator.commands.get(id).then(Boolean, () => false)
  await waitFor(known, { what: 'the command to be queued' })
}

test('commands that wait for a channel run in the order in which they came', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: ONE_CHANNEL })
  const session = await fixture.open(target)
  const release = await occupy(fixture, session)
  const waiting = ['one', 'two', 'three', 'four'].map((text) => session.exec(`echo ${text}`))
  await release()
  const done = await Promise.all(waiting)
  expect(done.map(({ stdout }) => stdout)).toEqual(['one\n', 'two\n', 'three\n', 'four\n'])
  expect(target.execs.map(({ command }) => command)).toEqual([
    'cat',
    'echo one',
    'echo two',
    'echo three',
    'echo four',
  ])
})

test('64 commands may wait in a session; the next is refused, and the others are not disturbed', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: ONE_CHANNEL })
  const session = await fixture.open(target)
  const release = await occupy(fixture, session)
  const waiting = Array.from({ length: 64 }, () => session.exec('true'))
  const commandId = newId<CommandId>()
  const refused = await refusalOf(session.exec('false', { commandId }))
  expect(refused).toMatchObject({ code: 'QUOTA_EXCEEDED', retryAfterMs: expect.any(Number) })
  const [denied] = await fixture.entries({ action: 'access.denied' })
  expect(denied).toMatchObject({ resourceId: session.id, facts: { code: 'QUOTA_EXCEEDED' } })
  await release()
  for (const command of await Promise.all(waiting)) expect(command).toMatchObject({ status: 'completed' })
  expect(target.execs.filter(({ command }) => command === 'false')).toEqual([])
  // Nothing ran, so the same id may be used for another try.
  expect(await session.exec('false', { commandId })).toMatchObject({ id: commandId, exitCode: 1 })
})

test('waiting for a channel does not count towards the timeout', async () => {
  await using target = await startHostileSshServer()
  const clock = new FakeClock()
  await using fixture = await startKrown({ clock, config: ONE_CHANNEL })
  const session = await fixture.open(target)
  const release = await occupy(fixture, session)
  const commandId = newId<CommandId>()
  const waiting = session.exec('hang', { timeoutMs: 5_000, commandId })
  await isQueued(fixture, commandId)
  await clock.advanceAsync(10_000)
  await release()
  await waitFor(() => target.execs.length === 2, { what: 'the second command' })
  expect(await fixture.operator.commands.get(commandId)).toMatchObject({ status: 'running' })
  const ended = waitFor(() => target.signals.length > 0, { what: 'the signal' })
  await clock.advanceAsync(5_000)
  await ended
  expect(await waiting).toMatchObject({ status: 'timed_out', signal: 'TERM', killed: 'confirmed' })
})

test('a target that allows fewer channels than expected loses no command', async () => {
  await using sshd = await startSshd({ config: ['MaxSessions 2'] })
  await using fixture = await startKrown()
  const dir = await mkdtemp(join(tmpdir(), 'krown-test-'))
  const session = await fixture.open(rootOf(sshd))
  const commands = await Promise.all(
    Array.from({ length: 12 }, (_, i) => session.exec(`echo ${i} >>${dir}/ran; sleep 0.05; echo ${i}`)),
  )
  for (const [i, command] of commands.entries())
    expect(command).toMatchObject({ status: 'completed', stdout: `${i}\n`, errorCode: null })
  const ran = (await readFile(join(dir, 'ran'), 'utf8')).trim().split('\n').map(Number)
  expect(ran.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i))
  const started = await fixture.entries({ action: 'command.started' })
  expect(started).toHaveLength(12)
  await rm(dir, { recursive: true })
})

test('a full queue loses no command either when the target allows fewer channels', async () => {
  await using sshd = await startSshd({ config: ['MaxSessions 1'] })
  await using fixture = await startKrown({ config: { ssh: { maxChannelsPerSession: 8 } } })
  const session = await fixture.open(sshd)
  const commands = await Promise.all(Array.from({ length: 8 + 64 }, () => session.exec('true')))
  for (const command of commands) expect(command).toMatchObject({ status: 'completed', exitCode: 0 })
})

test('a target that allows no channel at all is said to refuse it, and the row says that nothing ran', async () => {
  await using target = await startHostileSshServer({ maxChannels: 0 })
  await using fixture = await startKrown()
  const session = await fixture.open(target)
  const commandId = newId<CommandId>()
  expect(await refusalOf(session.exec('true', { commandId }))).toMatchObject({
    code: 'TARGET_CHANNEL_REFUSED',
  })
  expect(await fixture.operator.commands.get(commandId)).toMatchObject({
    status: 'failed',
    errorCode: 'TARGET_CHANNEL_REFUSED',
  })
})

test('a command that is cancelled while it waits has a row and runs nothing', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: ONE_CHANNEL })
  const session = await fixture.open(target)
  const release = await occupy(fixture, session)
  const commandId = newId<CommandId>()
  const waiting = session.exec('echo never', { commandId })
  await isQueued(fixture, commandId)
  expect(await fixture.admin.commands.cancel(commandId)).toMatchObject({ status: 'cancelled', killed: null })
  expect(await waiting).toMatchObject({ id: commandId, status: 'cancelled', exitCode: null, stdout: '' })
  await release()
  expect(await session.exec('true')).toMatchObject({ status: 'completed' })
  expect(target.execs.map(({ command }) => command)).toEqual(['cat', 'true'])
  const { items } = await fixture.operator.commands.list({ status: 'cancelled' })
  expect(items).toMatchObject([{ id: commandId }])
})

test('closing the session cancels what waits in it', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: ONE_CHANNEL })
  const session = await fixture.open(target)
  await occupy(fixture, session)
  const commandId = newId<CommandId>()
  const waiting = session.exec('echo never', { commandId })
  await isQueued(fixture, commandId)
  await session.close()
  expect(await waiting).toMatchObject({ status: 'cancelled' })
  expect(target.execs.map(({ command }) => command)).toEqual(['cat'])
  const { items } = await fixture.operator.commands.list({ sessionId: session.id })
  expect(items.map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
})

test('when the connection is lost, what waits is refused: nothing ran', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: ONE_CHANNEL })
  const session = await fixture.open(target)
  await occupy(fixture, session)
  const commandId = newId<CommandId>()
  const waiting = refusalOf(session.exec('echo never', { commandId }))
  await isQueued(fixture, commandId)
  target.dropConnections()
  expect(await waiting).toMatchObject({ code: 'SESSION_LOST' })
  expect(target.execs.map(({ command }) => command)).toEqual(['cat'])
})

test('who does not wait is told when there is no place in line, and can ask later why nothing ran', async () => {
  await using target = await startHostileSshServer({ maxChannels: 1 })
  await using fixture = await startKrown({ config: ONE_CHANNEL })
  const session = await fixture.open(target)
  const execute = (commandId: CommandId) =>
    fixture.operator.sessions.execute(session.id, { command: 'true', commandId, waitMs: 0 })
  const failureOf = async (commandId: CommandId) => {
    const failed = async () => {
      const command = await fixture.operator.commands.get(commandId)
      return command.status === 'failed' && command.errorCode
    }
    return waitFor(failed, { what: 'the command to fail' })
  }
  const release = await occupy(fixture, session)
  const waiting = Array.from({ length: 63 }, () => refusalOf(session.exec('true')))
  const refusedByTarget = newId<CommandId>()
  expect(await execute(refusedByTarget)).toMatchObject({ status: 'running' })
  const oneTooMany = newId<CommandId>()
  expect(await refusalOf(execute(oneTooMany))).toMatchObject({ code: 'QUOTA_EXCEEDED' })
  await release()
  await Promise.all(waiting)
  expect(await failureOf(refusedByTarget)).toBe('TARGET_CHANNEL_REFUSED')
})

test('whatever became of commands, every channel can be used again', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: { ssh: { maxChannelsPerSession: 3 } } })
  const { operator } = fixture
  const session = await fixture.open(target)
  const fates: (() => Promise<unknown>)[] = [
    () => session.exec('true'),
    () => session.exec('no-exit-status'),
    () => session.exec('hang', { timeoutMs: 20 }),
    () => session.exec('flood-stderr 100000', { maxOutputBytes: 10 }),
    async () => {
      const { id } = await operator.commands.start({ sessionId: session.id, command: 'hang' })
      await operator.commands.cancel(id)
    },
    async () => {
      const commandId = newId<CommandId>()
      const waiting = session.exec('true', { commandId })
      await operator.commands.cancel(commandId).catch(() => {})
      await waiting
    },
    async () => {
      const stream = await session.stream('flood-stdout 300000')
      for await (const _ of stream) break
      await stream.result
    },
    () => refusalOf(session.exec('too long'.repeat(10_000))),
  ]
  await Promise.all(Array.from({ length: 6 }, () => fates.map((fate) => fate())).flat())
  const before = target.execs.length
  const releases = await Promise.all(Array.from({ length: 3 }, () => occupy(fixture, session)))
  expect(target.execs.length).toBe(before + 3)
  const waiting = session.exec('echo waited')
  await Promise.all(releases.map((release) => release()))
  expect(await waiting).toMatchObject({ stdout: 'waited\n' })
})
