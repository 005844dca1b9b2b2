import { FakeClock, startHostileSshServer, startSshd, waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import type { CommandOutputEvent } from '../../../src/model/command.js'
import type { OutputChunk } from '../../../src/model/krown-client.js'
import { elapse, refusalOf, startKrown } from '../../support/krown-fixture.js'
import { CountedFlood } from './counted-flood.js'

const MiB = 1024 * 1024
/** The ring, the flow window of ssh2 (2 MiB, widened when half of it is used) and what TCP holds. */
const HELD_AT_MOST = 6 * MiB
/** So that no connection is lost while the fake clock is moved by minutes. */
const NO_KEEPALIVE = { ssh: { keepaliveInterval: '24h' } }

async function startFlood() {
  const flood = new CountedFlood()
  const target = await startHostileSshServer({ onExec: flood.onExec })
  const clock = new FakeClock()
  const fixture = await startKrown({ clock, config: NO_KEEPALIVE })
  const session = await fixture.open(target)
  const stop = async () => {
    await fixture[Symbol.asyncDispose]()
    await target.stop()
  }
  return { flood, clock, fixture, session, [Symbol.asyncDispose]: stop }
}

/** Where a piece of output ends. */
const endOf = ({ offset, data }: Pick<OutputChunk, 'offset' | 'data'>) => offset + data.length

/** Reads until that much was read or told to be lost; checks that nothing comes twice. */
async function readTo(output: AsyncIterator<CommandOutputEvent>, from: number, to: number) {
  const seen = { read: 0, lost: 0, end: from }
  while (seen.end < to) {
    const { value: event } = await output.next()
    if (event.type === 'finished') break
    expect(event.type === 'gap' ? event.fromOffset : event.offset).toBe(seen.end)
    if (event.type === 'gap') seen.lost += event.toOffset - event.fromOffset
    else seen.read += event.data.length
    seen.end = event.type === 'gap' ? event.toOffset : endOf(event)
  }
  return seen
}

test('a driver that stops reading stops the target: what is held is bounded', async () => {
  await using world = await startFlood()
  const stream = await world.session.stream('flood')
  const chunks = stream[Symbol.asyncIterator]()
  await chunks.next()
  const held = await world.flood.held()
  expect(held).toBeLessThan(HELD_AT_MOST)
  const { bytesOut } = await world.fixture.operator.sessions.get(world.session.id)
  expect(bytesOut).toBeLessThanOrEqual(128 * 1024)
  let read = 0
  while (read < held) read += ((await chunks.next()).value as OutputChunk).data.length
  await world.flood.tookMoreThan(held)
  // Who holds the output back again does not hold the end back.
  const cancelled = stream.cancel()
  await elapse(world.clock, cancelled)
  expect(await cancelled).toMatchObject({ status: 'cancelled', killed: 'confirmed' })
})

test('a driver that does not read for 60 s is left behind, and the command goes on without it', async () => {
  await using world = await startFlood()
  const { operator } = world.fixture
  const stream = await world.session.stream('flood')
  const chunks = stream[Symbol.asyncIterator]()
  const first = (await chunks.next()).value as OutputChunk
  const held = await world.flood.held()
  await world.clock.advanceAsync(59_000)
  expect(await world.flood.held()).toBe(held)
  await world.clock.advanceAsync(1_000)
  await world.flood.tookMoreThan(HELD_AT_MOST)
  const tooSlow = await refusalOf(chunks.next())
  expect(tooSlow).toMatchObject({ code: 'READER_TOO_SLOW', details: { offset: endOf(first) } })
  expect(await operator.commands.get(stream.commandId)).toMatchObject({ status: 'running', errorCode: null })

  // It may come back where it was, and is the driver again: what is no longer held is told.
  const after = tooSlow.details?.offset as number
  const back = operator.commands.output(stream.commandId, { after })[Symbol.asyncIterator]()
  const caughtUp = await readTo(back, after, after + MiB)
  expect(caughtUp.lost).toBeGreaterThan(0)
  await world.flood.held()
  const further = await readTo(back, caughtUp.end, caughtUp.end + 8 * MiB)
  expect(further.lost).toBe(0)
  await elapse(world.clock, operator.commands.cancel(stream.commandId))
})

test('when the driver leaves, the command flows on', async () => {
  await using world = await startFlood()
  const stream = await world.session.stream('flood')
  for await (const _ of stream) {
    await world.flood.held()
    break
  }
  await world.flood.tookMoreThan(2 * HELD_AT_MOST)
  expect(await stream.cancel()).toMatchObject({ status: 'cancelled', killed: 'confirmed' })
})

test('a watcher holds nothing up and is told of what it missed; the driver misses nothing', async () => {
  const bytes = 12 * MiB
  await using target = await startHostileSshServer()
  await using fixture = await startKrown()
  const session = await fixture.open(target)
  const { id } = await fixture.operator.commands.start({
    sessionId: session.id,
    command: `flood-stdout ${bytes}`,
  })
  const driver = fixture.operator.commands.output(id)[Symbol.asyncIterator]()
  const beginning = await readTo(driver, 0, 1)
  const watcher = fixture.admin.commands.output(id)[Symbol.asyncIterator]()
  const watched = await readTo(watcher, 0, 1)
  const driven = await readTo(driver, beginning.end, bytes)
  expect(driven).toMatchObject({ lost: 0, end: bytes })
  const rest = await readTo(watcher, watched.end, bytes)
  expect(rest.end).toBe(bytes)
  expect(rest.lost).toBeGreaterThan(bytes - MiB)
  expect(watched.read + rest.read + rest.lost).toBe(bytes)
  expect(await driver.next()).toMatchObject({ value: { type: 'finished', command: { stdoutBytes: bytes } } })
  expect(await watcher.next()).toMatchObject({ value: { type: 'finished' } })
})

test('a second reader of the starter is a watcher: it cannot hold the target either', async () => {
  await using world = await startFlood()
  const { operator } = world.fixture
  const stream = await world.session.stream('flood')
  const second = operator.commands.output(stream.commandId)[Symbol.asyncIterator]()
  await second.next()
  let read = 0
  for await (const { data } of stream) {
    read += data.length
    if (read > 2 * HELD_AT_MOST) break
  }
  expect((await readTo(second, 32 * 1024, 32 * 1024 + 1)).lost).toBeGreaterThan(0)
  await operator.commands.cancel(stream.commandId)
})

test('a buffered command has no driver: who watches it cannot hold it up', async () => {
  const bytes = 12 * MiB
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: { limits: { execOutput: '1KiB' } } })
  const session = await fixture.open(target)
  const commandId = '01890a5d-ac96-774b-bcce-b302099a8057' as never
  const running = session.exec(`flood-stdout ${bytes}`, { commandId })
  await waitFor(() => target.execs.length === 1, { what: 'the command' })
  const watcher = fixture.operator.commands.output(commandId)[Symbol.asyncIterator]()
  await watcher.next()
  expect(await running).toMatchObject({ status: 'completed', stdoutBytes: bytes, stdoutTruncated: true })
})

test('both streams are handed out in the order in which they arrived', async () => {
  await using target = await startHostileSshServer({
    onExec: (_command, channel) => {
      // When it is asked: by then the client listens to both.
      channel.once('data', () => {
        for (let i = 0; i < 50; i += 1) {
          channel.write(`o${i} `)
          channel.stderr.write(`e${i} `)
        }
        channel.exit(0)
        channel.close()
      })
    },
  })
  await using fixture = await startKrown()
  const session = await fixture.open(target)
  const stream = await session.stream('talk', { stdin: 'now' })
  let text = ''
  for await (const { data } of stream) text += Buffer.from(data).toString()
  const expected = Array.from({ length: 50 }, (_, i) => `o${i} e${i} `).join('')
  expect(text).toBe(expected)
})

test('reading may go on from any place that is held, also after the end', async () => {
  await using sshd = await startSshd()
  await using fixture = await startKrown()
  const session = await fixture.open(sshd)
  const command = await session.exec('seq 1 1000')
  const printed = command.stdout ?? ''
  for (const after of [0, 1, 777, printed.length - 1]) {
    let text = ''
    for await (const event of fixture.operator.commands.output(command.id, { after }))
      if (event.type === 'output') text += Buffer.from(event.data).toString()
    expect(text).toBe(printed.slice(after))
  }
  for (const after of [printed.length, printed.length + 1000]) {
    const events: string[] = []
    for await (const { type } of fixture.operator.commands.output(command.id, { after })) events.push(type)
    expect(events).toEqual(['finished'])
  }
})

test('what ended before a restart is told as a gap', async () => {
  await using target = await startHostileSshServer()
  await using first = await startKrown()
  const session = await first.open(target)
  const command = await session.exec('echo 12345')
  await first.krown.close()
  await using second = await startKrown({ place: first.place })
  const events: CommandOutputEvent[] = []
  for await (const event of second.operator.commands.output(command.id, { after: 2 })) events.push(event)
  expect(events).toMatchObject([
    { type: 'gap', fromOffset: 2, toOffset: 6 },
    { type: 'finished', command: { id: command.id, status: 'completed', exitCode: 0 } },
  ])
  expect(events[1]).not.toHaveProperty('command.requestDigest')
})
