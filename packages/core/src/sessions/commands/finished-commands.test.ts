import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { newId } from '../../base/ids.js'
import type { Actor } from '../../model/actor.js'
import type { OrgId } from '../../model/ids.js'
import { OutputBudget } from '../output/output-budget.js'
import { FinishedCommands } from './finished-commands.js'
import { LiveCommand } from './live-command.js'

const MINUTE = 60_000

const ACTOR: Actor = { kind: 'system', userId: newId(), orgId: newId(), username: 'system', clientIp: null }

function finished(clock: FakeClock, outputBytes = 0): LiveCommand {
  const command = new LiveCommand({
    budget: new OutputBudget(),
    clock,
    actor: ACTOR,
    request: {
      id: newId(),
      sessionId: newId(),
      kind: 'exec',
      command: 'true',
      terminal: null,
      env: {},
      stdin: null,
      stdinOpen: false,
      timeoutMs: 1_000,
      maxOutputBytes: outputBytes,
      driven: false,
      digest: '',
    },
  })
  command.receive('stdout', Buffer.alloc(outputBytes))
  command.end('completed', {})
  return command
}

test('a command is found for ten minutes, by its own organization', async () => {
  const clock = new FakeClock()
  const kept = new FinishedCommands(clock)
  const command = finished(clock)
  kept.keep(command)
  await clock.advanceAsync(10 * MINUTE - 1)
  expect(kept.find(ACTOR.orgId, command.id)).toBe(command)
  expect(kept.find(newId<OrgId>(), command.id)).toBeUndefined()
  await clock.advanceAsync(1)
  expect(kept.find(ACTOR.orgId, command.id)).toBeUndefined()
})

test('the oldest go when they take too much memory together', () => {
  const clock = new FakeClock()
  const kept = new FinishedCommands(clock)
  const commands = Array.from({ length: 10 }, () => finished(clock, 10 * 1024 * 1024))
  for (const command of commands) kept.keep(command)
  const found = commands.map(({ id }) => kept.find(ACTOR.orgId, id) !== undefined)
  expect(found).toEqual([false, false, false, false, true, true, true, true, true, true])
})

test('the oldest go when there are too many', () => {
  const clock = new FakeClock()
  const kept = new FinishedCommands(clock)
  const commands = Array.from({ length: 10_001 }, () => finished(clock))
  for (const command of commands) kept.keep(command)
  expect(commands.filter(({ id }) => kept.find(ACTOR.orgId, id)).length).toBe(10_000)
  expect(kept.find(ACTOR.orgId, commands[0]?.id ?? newId())).toBeUndefined()
})

test('a command that is kept anew counts once', () => {
  const clock = new FakeClock()
  const kept = new FinishedCommands(clock)
  const large = finished(clock, 40 * 1024 * 1024)
  kept.keep(large)
  kept.keep(large)
  expect(kept.find(ACTOR.orgId, large.id)).toBe(large)
})
