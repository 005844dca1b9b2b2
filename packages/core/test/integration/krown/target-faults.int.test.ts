import { floodPastWindow, startHostileSshServer, waitFor } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { type KrownFixture, refusalOf, startKrown } from '../../support/krown-fixture.js'

/** The session as the journal and the API see it once it has ended. */
async function endOf(fixture: KrownFixture, id: string) {
  return waitFor(
    async () => {
      const session = await fixture.operator.sessions.get(id as never)
      return session.status === 'disconnected' && session
    },
    { what: 'the end of the session' },
  )
}

describe('F18: a target that goes away in the middle of a command', () => {
  for (const fault of ['drop', 'reset'] as const) {
    test(`${fault}: the answer is the command with what was printed, and the session is lost`, async () => {
      await using target = await startHostileSshServer({
        onExec: (_command, channel, { connection }) => {
          channel.write('so far\n', () => setImmediate(() => connection[fault]()))
        },
      })
      await using fixture = await startKrown()
      const session = await fixture.open(target)
      expect(await session.exec('long work')).toMatchObject({
        status: 'interrupted',
        errorCode: 'SESSION_LOST',
        exitCode: null,
        stdout: 'so far\n',
        killed: null,
      })
      expect(await endOf(fixture, session.id)).toMatchObject({ statusReason: 'connection_lost' })
      expect((await refusalOf(session.exec('more'))).code).toBe('SESSION_NOT_CONNECTED')
    })
  }
})

test('F19: a flood that nobody reads is held back, and one that is only collected is counted whole', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown({ config: { limits: { execOutput: '64KiB' } } })
  const session = await fixture.open(target)
  const bytes = 20 * 1024 * 1024
  const collected = await session.exec(`flood-stdout ${bytes}`)
  expect(collected).toMatchObject({ status: 'completed', stdoutBytes: bytes, stdoutTruncated: true })
  expect(collected.stdout?.length).toBe(64 * 1024)
  const unread = await session.stream(`flood-stdout ${bytes}`)
  // The window is 2 MiB: whoever does not read gets no more than that and what is in the ring.
  const { bytesOut } = await waitFor(
    async () => {
      const before = (await fixture.operator.sessions.get(session.id)).bytesOut
      await new Promise((resolve) => setTimeout(resolve, 50))
      const now = await fixture.operator.sessions.get(session.id)
      return now.bytesOut > bytes && now.bytesOut === before && now
    },
    { what: 'the flood to stop' },
  )
  expect(bytesOut - bytes).toBeLessThan(256 * 1024)
  let read = 0
  for await (const { data, offset } of unread) {
    expect(offset).toBe(read)
    read += data.length
  }
  expect(read).toBe(bytes)
})

test('F20: a flood of standard error alone is drained', async () => {
  await using target = await startHostileSshServer()
  await using fixture = await startKrown()
  const session = await fixture.open(target)
  const bytes = 8 * 1024 * 1024
  expect(await session.exec(`flood-stderr ${bytes}`)).toMatchObject({
    status: 'completed',
    stdoutBytes: 0,
    stderrBytes: bytes,
  })
})

test('F21: a target that ignores the flow window is cut off, and the journal says why', async () => {
  await using target = await startHostileSshServer({
    onExec: (_command, channel) => void floodPastWindow(channel, { totalBytes: 64 * 1024 * 1024 }),
  })
  await using fixture = await startKrown()
  const session = await fixture.open(target)
  const stream = await session.stream('flood')
  // Reads nothing until the session has ended: the window stays closed meanwhile.
  expect(await endOf(fixture, session.id)).toMatchObject({ statusReason: 'protocol_error' })
  let read = 0
  for await (const { data } of stream) read += data.length
  expect(read).toBeGreaterThan(0)
  expect(await stream.result).toMatchObject({ status: 'interrupted', errorCode: 'TARGET_PROTOCOL_ERROR' })
  expect(await fixture.entries({ action: 'session.closed' })).toMatchObject([
    { facts: { reason: 'protocol_error', cause: 'window_violation' } },
  ])
})
