import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  FakeClock,
  floodPastWindow,
  type HostileSshServer,
  startHostileSshServer,
  waitFor,
} from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import type { Command } from '../../../src/model/command.js'
import type { SessionId } from '../../../src/model/ids.js'
import type { SessionEvent } from '../../../src/model/session-event.js'
import { allEvents, SessionTally, tallyCommand } from '../../support/events.js'
import { type KrownFixture, startKrown } from '../../support/krown-fixture.js'

const MiB = 1024 * 1024
const COLLECTS_LITTLE = { limits: { execOutput: '1KiB' } }

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Objects and buffers that somebody still holds: what the process takes besides depends on when V8 collects. */
function bytesInUse(): number {
  // What a collection found of buffers is counted off at the next one.
  collectGarbage()
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Milliseconds between two looks at what is in use, and how much of the time looking may take: one part in so many. */
const [LOOK_EVERY_MS, LOOKING_SHARE] = [100, 10]

/** How much more was in use while this ran, at its most. */
async function growthDuring(work: () => Promise<unknown>): Promise<number> {
  const before = bytesInUse()
  let largest = before
  let next: NodeJS.Timeout
  const look = () => {
    const from = performance.now()
    largest = Math.max(largest, bytesInUse())
    // On a busy machine collecting takes long: without a rest nothing else would run.
    const restMs = Math.max(LOOK_EVERY_MS, (performance.now() - from) * LOOKING_SHARE)
    next = setTimeout(look, restMs)
  }
  next = setTimeout(look, LOOK_EVERY_MS)
  await work().finally(() => clearTimeout(next))
  return Math.max(largest, bytesInUse()) - before
}

/**
 * A reader of the session's stream that is known to be there, since it has read its first event: how soon that is
 * depends on how busy the machine is. It reads on when `rest` is read.
 */
async function joinedReader(fixture: KrownFixture, sessionId: SessionId) {
  const events = fixture.admin.sessions.events({ sessionId })[Symbol.asyncIterator]()
  const { value } = await events.next()
  return { first: value as SessionEvent, rest: { [Symbol.asyncIterator]: () => events } }
}

type JoinedReader = Awaited<ReturnType<typeof joinedReader>>

/** As {@link tallyCommand}, with the event that was read already. */
function tallyOn({ first, rest }: JoinedReader) {
  const tally = new SessionTally()
  tally.add(first)
  return tallyCommand(rest, tally)
}

test('D10: who stops reading costs nothing, holds nothing up, and is told what it missed', async () => {
  const bytes = 128 * MiB
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: COLLECTS_LITTLE })
  const session = await fixture.open(target)
  // What the process takes once for such a flood is not the reader's.
  await session.exec(`flood-stdout ${bytes}`)
  const stalled = await joinedReader(fixture, session.id)
  const growth = await growthDuring(async () => {
    expect(await session.exec(`flood-stdout ${bytes}`)).toMatchObject({ stdoutBytes: bytes })
  })
  expect(growth).toBeLessThan(16 * MiB)
  const { end, read, gaps } = await tallyOn(stalled)
  expect(end).toBe(bytes)
  expect(gaps).toBeGreaterThan(0)
  expect(read).toBeLessThanOrEqual(128 * 1024)
}, 120_000)

test('D11: a slow watcher is told of gaps, and those beside it get every byte', async () => {
  const bytes = 16 * MiB
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: COLLECTS_LITTLE, clock: new FakeClock() })
  const session = await fixture.open(target)
  const join = () => joinedReader(fixture, session.id)
  const [slow, ...fast] = [await join(), await join(), await join(), await join()]
  const [tallies] = await Promise.all([Promise.all(fast.map(tallyOn)), session.exec(`flood-stdout ${bytes}`)])
  for (const { gaps, read } of tallies) expect([gaps, read]).toEqual([0, bytes])
  const missed = await tallyOn(slow)
  expect(missed.gaps).toBeGreaterThan(0)
  expect(missed.end).toBe(bytes)
})

test('D11: of two hundred watchers of one busy command each gets every byte or a gap, from the same memory', async () => {
  const bytes = 32 * MiB
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: COLLECTS_LITTLE })
  const session = await fixture.open(target)
  await session.exec(`flood-stdout ${bytes}`)
  const growth = await growthDuring(async () => {
    const watchers = await Promise.all(Array.from({ length: 200 }, () => joinedReader(fixture, session.id)))
    const reading = Promise.all(watchers.map(tallyOn))
    const [tallies] = await Promise.all([reading, session.exec(`flood-stdout ${bytes}`)])
    for (const { end } of tallies) expect(end).toBe(bytes)
  })
  expect(growth).toBeLessThan(100 * MiB)
}, 120_000)

test('readers that are cut at random and go on miss nothing without a gap, and get nothing twice', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: COLLECTS_LITTLE })
  const session = await fixture.open(target)
  const readers = Array.from({ length: 50 }, (_, reader) => readWithCuts(fixture, session.id, reader))
  const commands: Command[] = []
  const run = async () => {
    for (let round = 0; round < 6; round += 1) {
      const running = Array.from({ length: 8 }, (_, index) =>
        session.exec(`flood-${index % 2 ? 'stdout' : 'stderr'} ${1 + index * 60_000}`),
      )
      commands.push(...(await Promise.all(running)))
    }
    await session.close()
  }
  const [tallies] = await Promise.all([Promise.all(readers), run()])
  for (const tally of tallies) {
    expect(tally.commands.size).toBe(commands.length)
    for (const { id, stdoutBytes, stderrBytes } of commands)
      expect(tally.of(id).end).toBe(stdoutBytes + stderrBytes)
  }
})

/** Leaves after some events, again and again, and goes on after the last; the numbers are the same in each run. */
async function readWithCuts(
  fixture: KrownFixture,
  sessionId: SessionId,
  reader: number,
): Promise<SessionTally> {
  const tally = new SessionTally()
  for (let turn = 1, ended = false; !ended; turn += 1) {
    let left = 1 + ((reader * 7919 + turn * 104_729) % 97)
    for await (const event of fixture.admin.sessions.events({ sessionId, after: tally.seq ?? 0 })) {
      tally.add(event)
      ended = event.type === 'session_status' && event.session.endedAt !== null
      left -= 1
      if (left === 0) break
    }
  }
  return tally
}

test('what watchers share is one object, whoever reads it first', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown()
  const session = await fixture.open(target)
  const readers = [1, 2].map(() =>
    fixture.admin.sessions.events({ sessionId: session.id, after: 2 })[Symbol.asyncIterator](),
  )
  const next = () => Promise.all(readers.map(async (reader) => (await reader.next()).value as SessionEvent))
  const started = next()
  const { id } = await fixture.operator.commands.start({
    sessionId: session.id,
    command: 'cat',
    stdinOpen: true,
  })
  await started
  const printed = next()
  await fixture.operator.commands.write(id, 'shared')
  const [first, second] = await printed
  expect(first).toMatchObject({ type: 'command_output', data: 'shared' })
  expect(second).toBe(first)
  for (const reader of readers) await reader.return?.()
  await fixture.operator.commands.cancel(id)
})

describe('a target that misbehaves, as watchers see it', () => {
  async function watched(target: HostileSshServer, command: string): Promise<SessionEvent[]> {
    await using fixture = await startKrown({ config: COLLECTS_LITTLE, clock: new FakeClock() })
    const session = await fixture.open(target)
    const { first, rest } = await joinedReader(fixture, session.id)
    const run = async () => {
      await session.exec(command)
      if ((await fixture.operator.sessions.get(session.id)).status === 'connected') await session.close()
    }
    const [events] = await Promise.all([allEvents(rest), run()])
    return [first, ...events]
  }

  for (const fault of ['drop', 'reset'] as const) {
    test(`F18: ${fault}: what was printed, how the command ended, and why the session did`, async () => {
      await using target = await startHostileSshServer({
        onExec: (_command, channel, { connection }) => {
          channel.write('so far\n', () => setImmediate(() => connection[fault]()))
        },
      })
      expect(await watched(target, 'long work')).toMatchObject([
        { type: 'session_status', session: { status: 'connected' } },
        { type: 'command_started' },
        { type: 'command_output', data: 'so far\n' },
        { type: 'command_finished', command: { status: 'interrupted', errorCode: 'SESSION_LOST' } },
        { type: 'session_status', session: { status: 'disconnected', statusReason: 'connection_lost' } },
      ])
    })
  }

  for (const [id, stream] of [
    ['F19', 'stdout'],
    ['F20', 'stderr'],
  ] as const) {
    test(`${id}: a flood of ${stream} arrives whole at who reads`, async () => {
      await using target = await startHostileSshServer()
      const events = await watched(target, `flood-${stream} ${8 * MiB}`)
      const tally = new SessionTally()
      for (const event of events) tally.add(event)
      expect([...tally.commands.values()]).toMatchObject([{ read: 8 * MiB }])
      expect(tally.gaps).toBe(0)
      expect(events.filter((event) => event.type === 'command_output' && event.stream !== stream)).toEqual([])
    })
  }

  test('F21: a target that ignores the flow window is cut off, and the streams end with that', async () => {
    await using target = await startHostileSshServer({
      onExec: (_command, channel) => void floodPastWindow(channel, { totalBytes: 64 * MiB }),
    })
    await using fixture = await startKrown()
    const session = await fixture.open(target)
    const events = allEvents(fixture.operator.sessions.events({ sessionId: session.id, output: false }))
    // Its driver reads nothing until the session is lost: the window stays closed.
    const stream = await session.stream('flood')
    const isLost = async () => (await fixture.operator.sessions.get(session.id)).endedAt !== null
    await waitFor(isLost, { what: 'the end of the session' })
    for await (const _ of stream);
    expect((await events).slice(-2)).toMatchObject([
      { type: 'command_finished', command: { status: 'interrupted', errorCode: 'TARGET_PROTOCOL_ERROR' } },
      { type: 'session_status', session: { statusReason: 'protocol_error' } },
    ])
  })
})
