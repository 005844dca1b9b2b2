import { startHostileSshServer, waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { CommandId } from '../../../src/model/ids.js'
import { startKrown } from '../../support/krown-fixture.js'

test('who gives up waiting has the command as it is, and the command goes on', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown()
  const session = await fixture.open(target)
  const commandId = newId<CommandId>()
  const { sessions, commands } = fixture.operator
  const leave = new AbortController()
  const { signal } = leave
  const waiting = [
    sessions.execute(session.id, { command: 'hang', commandId }, { signal }),
    sessions.execute(session.id, { command: 'hang', commandId, waitMs: 60_000 }, { signal }),
  ]
  await waitFor(() => target.execs.length === 1, { what: 'the command' })
  waiting.push(commands.get(commandId, { waitMs: 60_000, signal }))
  leave.abort()
  for (const answer of waiting) expect(await answer).toMatchObject({ id: commandId, status: 'running' })
  expect(await commands.get(commandId, { waitMs: 60_000, signal })).toMatchObject({ status: 'running' })
  expect(await commands.cancel(commandId)).toMatchObject({ status: 'cancelled' })
  expect(await sessions.execute(session.id, { command: 'hang', commandId }, { signal })).toMatchObject({
    status: 'cancelled',
  })
})

test('who gives up while the command waits in line takes it out of no line', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: { ssh: { maxChannelsPerSession: 1 } } })
  const session = await fixture.open(target)
  const [first, second] = [newId<CommandId>(), newId<CommandId>()]
  const { sessions, commands } = fixture.operator
  const running = sessions.execute(session.id, { command: 'hang', commandId: first })
  await waitFor(() => target.execs.length === 1, { what: 'the first command' })
  const leave = new AbortController()
  const queued = { command: 'echo two', commandId: second }
  const waiting = sessions.execute(session.id, queued, { signal: leave.signal })
  await sessions.execute(session.id, { ...queued, waitMs: 0 })
  leave.abort()
  expect(await waiting).toMatchObject({ id: second, status: 'running' })
  await commands.cancel(first)
  expect(await sessions.execute(session.id, queued)).toMatchObject({ status: 'completed', stdout: 'two\n' })
  expect(await running).toMatchObject({ status: 'cancelled' })
})
