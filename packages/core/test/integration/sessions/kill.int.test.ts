import { FakeClock, startHostileSshServer, startSshd, waitFor } from '@krown/testkit'
import { expect, test as sequentialTest } from 'vitest'
import type { SessionHandle } from '../../../src/model/krown-client.js'
import { type KrownFixture, rootOf, startKrown } from '../../support/krown-fixture.js'
import { type Marked, marked } from './processes.js'

// They mostly wait for grace to pass.
const test = sequentialTest.concurrent

/** Starts a marked command and waits until the target runs it. */
async function startMarked({ operator }: KrownFixture, session: SessionHandle, what = marked()) {
  const { id } = await operator.commands.start({ sessionId: session.id, command: what.command })
  await waitFor(what.isReady, { what: 'the marked command to run' })
  return { id, ...what }
}

// A shell that is about to start `sleep` counts twice for a moment.
const isAlive = (what: Marked) => what.pids().length > 0
const isGone = (what: Marked) => waitFor(() => what.pids().length === 0, { what: 'the process to be gone' })

// OpenSSH passes signals on for other users, and ignores them for root: there a script finds the process.
for (const as of ['another user', 'root'] as const) {
  const start = async () => {
    const sshd = await startSshd()
    const fixture = await startKrown()
    const session = await fixture.open(as === 'root' ? rootOf(sshd) : sshd)
    const stop = async () => {
      await fixture[Symbol.asyncDispose]()
      await sshd.stop()
    }
    return { fixture, session, [Symbol.asyncDispose]: stop }
  }

  test(`as ${as}: a timeout ends the command and what it started`, async () => {
    await using peers = await start()
    const what = marked('sleep 1000 & sleep 1000; true')
    const result = await peers.session.exec(what.command, { timeoutMs: 500 })
    expect(result).toMatchObject({ status: 'timed_out', signal: 'TERM', exitCode: null, killed: 'confirmed' })
    await isGone(what)
  })

  test(`as ${as}: a command that ignores TERM is killed`, async () => {
    await using peers = await start()
    const what = marked('trap "" TERM; while :; do sleep 60; done')
    const result = await peers.session.exec(what.command, { timeoutMs: 500 })
    expect(result).toMatchObject({ status: 'timed_out', signal: 'KILL', killed: 'confirmed' })
    await isGone(what)
  })

  test(`as ${as}: a command that cleans up on TERM says how it ended`, async () => {
    await using peers = await start()
    const what = marked('trap "echo cleaned; exit 9" TERM; while :; do sleep 0.1; done')
    const { id } = await startMarked(peers.fixture, peers.session, what)
    expect(await peers.fixture.operator.commands.cancel(id)).toMatchObject({
      status: 'cancelled',
      exitCode: 9,
      stdout: 'cleaned\n',
      killed: 'confirmed',
    })
  })

  test(`as ${as}: of several commands on one connection only the one meant is killed`, async () => {
    await using peers = await start()
    const { fixture, session } = peers
    const first = await startMarked(fixture, session)
    const second = await startMarked(fixture, session)
    const third = await startMarked(fixture, session)
    expect(await fixture.operator.commands.cancel(second.id)).toMatchObject({ killed: 'confirmed' })
    await isGone(second)
    expect([isAlive(first), isAlive(third)]).toEqual([true, true])
    expect(await fixture.operator.commands.cancel(third.id)).toMatchObject({ killed: 'confirmed' })
    await isGone(third)
    expect(isAlive(first)).toBe(true)
    expect(await session.exec('echo still here')).toMatchObject({ stdout: 'still here\n' })
  })

  test(`as ${as}: closing the session ends everything in it`, async () => {
    await using peers = await start()
    const { fixture, session } = peers
    const all = [
      await startMarked(fixture, session),
      await startMarked(fixture, session, marked('trap "" TERM; while :; do sleep 60; done')),
      await startMarked(fixture, session),
      await startMarked(fixture, session),
    ]
    await session.close()
    for (const what of all) {
      expect(await fixture.operator.commands.get(what.id)).toMatchObject({
        status: 'cancelled',
        killed: 'confirmed',
      })
      await isGone(what)
    }
  })

  test(`as ${as}: a command whose output nobody reads can be ended`, async () => {
    await using peers = await start()
    const what = marked('while :; do echo flood; done')
    const stream = await peers.session.stream(what.command, { timeoutMs: 1_000 })
    expect(await stream.result).toMatchObject({ status: 'timed_out', killed: 'confirmed' })
    await isGone(what)
  })
}

test('where it is not clear which process is meant, none is killed and the end is unconfirmed', async () => {
  await using sshd = await startSshd()
  await using fixture = await startKrown()
  const session = await fixture.open(rootOf(sshd))
  // Its shell ends, and what it left behind keeps the channel open: one process less than Krown runs commands.
  const input = { sessionId: session.id, command: 'sleep 1000 & echo left' }
  const left = await fixture.operator.commands.start(input)
  for await (const event of fixture.operator.commands.output(left.id)) if (event.type === 'output') break
  const meant = await startMarked(fixture, session)
  const bystander = await startMarked(fixture, session)
  expect(await fixture.operator.commands.cancel(meant.id)).toMatchObject({
    status: 'cancelled',
    killed: 'unconfirmed',
    exitCode: null,
    signal: null,
  })
  expect([isAlive(meant), isAlive(bystander)]).toEqual([true, true])
})

test('commands that come and go while another is killed are not touched', async () => {
  await using sshd = await startSshd()
  await using fixture = await startKrown()
  const session = await fixture.open(rootOf(sshd))
  let done = false
  const comeAndGo = async () => {
    while (!done)
      expect(await session.exec('sleep 0.3; echo fine')).toMatchObject({ stdout: 'fine\n', exitCode: 0 })
  }
  const bystanders = [comeAndGo(), comeAndGo()]
  for (let round = 0; round < 3; round += 1) {
    const meant = await startMarked(fixture, session)
    expect(await fixture.operator.commands.cancel(meant.id)).toMatchObject({ killed: 'confirmed' })
    await isGone(meant)
  }
  done = true
  await Promise.all(bystanders)
})

test('a target that reacts to nothing leaves the end unconfirmed, and the channel is closed', async () => {
  let closed = false
  await using target = await startHostileSshServer({
    onExec: (_command, channel) => channel.once('close', () => (closed = true)),
  })
  const clock = new FakeClock()
  await using fixture = await startKrown({ clock })
  const session = await fixture.open(target)
  const { id } = await fixture.operator.commands.start({ sessionId: session.id, command: 'format c:' })
  let ended = false
  const cancelled = fixture.operator.commands.cancel(id).finally(() => (ended = true))
  await waitFor(() => clock.advanceAsync(100).then(() => ended), { what: 'the cancel to give up' })
  expect(await cancelled).toMatchObject({ status: 'cancelled', killed: 'unconfirmed', signal: null })
  await waitFor(() => closed, { what: 'the channel to be closed' })
  expect(target.signals).toEqual(['TERM', 'KILL'])
})

test('an admin may cancel; who wanted it is in the journal, once', async () => {
  await using sshd = await startSshd()
  await using fixture = await startKrown()
  const session = await fixture.open(sshd)
  const what = await startMarked(fixture, session)
  expect(await fixture.admin.commands.cancel(what.id)).toMatchObject({ status: 'cancelled' })
  expect(await fixture.admin.commands.cancel(what.id)).toMatchObject({ status: 'cancelled' })
  const entries = await fixture.entries({ resourceId: what.id })
  expect(entries.map(({ action }) => action)).toEqual([
    'command.started',
    'command.cancel_requested',
    'command.finished',
  ])
  const { operator, admin } = fixture.actors
  expect(entries.map(({ actorUserId }) => actorUserId)).toEqual([
    operator.userId,
    admin.userId,
    operator.userId,
  ])
  expect(entries[2]).toMatchObject({ facts: { status: 'cancelled', killed: 'confirmed', signal: 'TERM' } })
})

test('of a timeout and a cancel the first counts', async () => {
  await using sshd = await startSshd()
  await using fixture = await startKrown()
  const session = await fixture.open(sshd)
  const what = marked('trap "" TERM; while :; do sleep 60; done')
  const started = fixture.operator.commands.start({
    sessionId: session.id,
    command: what.command,
    timeoutMs: 300,
  })
  const { id } = await started
  await waitFor(what.isReady, { what: 'the command' })
  const cancelled = fixture.operator.commands
    .get(id, { waitMs: 700 })
    .then(() => fixture.operator.commands.cancel(id))
  expect(await cancelled).toMatchObject({ status: 'timed_out', signal: 'KILL', killed: 'confirmed' })
})
