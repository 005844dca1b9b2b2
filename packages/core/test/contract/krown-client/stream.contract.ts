import { expect, test } from 'vitest'
import { openSession, textOf, type World } from './world.js'

export function streamTests(world: () => World): void {
  test('a stream hands out the output in order, and how it ended', async () => {
    await using session = await openSession(world())
    const stream = await session.stream('echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three; exit 4')
    expect(await textOf(stream)).toBe('out:one\nerr:two\nout:three\n')
    expect(await stream.result).toMatchObject({ id: stream.commandId, status: 'completed', exitCode: 4 })
  })

  test('offsets count the bytes of both streams', async () => {
    await using session = await openSession(world())
    const stream = await session.stream('head -c 200000 /dev/zero; printf end >&2')
    let expected = 0
    for await (const { offset, data } of stream) {
      expect(offset).toBe(expected)
      expected += data.length
    }
    expect(expected).toBe(200_003)
  })

  test('standard input can be written while the command runs', async () => {
    await using session = await openSession(world())
    const stream = await session.stream('cat; echo done', { stdinOpen: true })
    const text = textOf(stream)
    await stream.write('one ')
    await stream.write(new TextEncoder().encode('two '))
    await stream.closeStdin()
    expect(await text).toBe('out:one two done\n')
  })

  test('a stream can be cancelled', async () => {
    await using session = await openSession(world())
    const stream = await session.stream('echo started; exec sleep 60')
    const chunks = stream[Symbol.asyncIterator]()
    await chunks.next()
    const cancelled = await stream.cancel()
    expect(cancelled).toMatchObject({ status: 'cancelled', signal: 'TERM', killed: 'confirmed' })
    expect(await chunks.next()).toMatchObject({ done: true })
    expect(await stream.result).toMatchObject({ status: 'cancelled' })
  })

  test('whoever stops reading does not stop the command', async () => {
    await using session = await openSession(world())
    const stream = await session.stream('head -c 1000000 /dev/zero; exit 5')
    for await (const _ of stream) break
    expect(await stream.result).toMatchObject({ exitCode: 5, stdoutBytes: 1_000_000 })
  })
}
