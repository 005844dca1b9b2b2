import { expect, test } from 'vitest'
import { eventsOf, openSession, type World } from './world.js'

export function outputTests(world: () => World): void {
  test('output is handed out from the start, and ends with how the command ended', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const { id } = await operator.commands.start({
      sessionId: session.id,
      command: 'read x; echo "$x"; exit 2',
      stdinOpen: true,
    })
    const events = eventsOf(operator.commands.output(id))
    await operator.commands.write(id, 'hello\n')
    expect(await events).toMatchObject([
      { type: 'output', stream: 'stdout', offset: 0 },
      { type: 'finished', command: { id, status: 'completed', exitCode: 2 } },
    ])
  })

  test('after a disconnect the output goes on from `after`, without a gap and without anything twice', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const { id } = await operator.commands.start({ sessionId: session.id, command: 'cat', stdinOpen: true })
    await operator.commands.write(id, '0123456789')
    let after = 0
    for await (const event of operator.commands.output(id)) {
      if (event.type === 'output') after = event.offset + event.data.length
      if (after === 10) break
    }
    await operator.commands.write(id, 'abcdef')
    await operator.commands.closeStdin(id)
    const [output, finished] = await eventsOf(operator.commands.output(id, { after }))
    expect(output).toMatchObject({ type: 'output', offset: 10 })
    expect(output?.type === 'output' && Buffer.from(output.data).toString()).toBe('abcdef')
    expect(finished).toMatchObject({ type: 'finished' })
  })

  test('what is no longer held is told as a gap', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const command = await session.exec('head -c 1000000 /dev/zero', { maxOutputBytes: 0 })
    const events = await eventsOf(operator.commands.output(command.id))
    expect(events[0]).toMatchObject({ type: 'gap', fromOffset: 0 })
    const held = events.filter((event) => event.type === 'output')
    expect(held[0]?.offset).toBe(events[0]?.type === 'gap' ? events[0].toOffset : undefined)
    expect(held.reduce((end, { data }) => end + data.length, held[0]?.offset ?? 0)).toBe(1_000_000)
    expect(events.at(-1)).toMatchObject({ type: 'finished', command: { status: 'completed' } })
  })

  test('a signal ends the reading, not the command', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const { id } = await operator.commands.start({ sessionId: session.id, command: 'sleep 60' })
    const reading = new AbortController()
    const events = eventsOf(operator.commands.output(id, { signal: reading.signal }))
    const ended = expect(events).rejects.toThrow()
    reading.abort()
    await ended
    expect(await operator.commands.cancel(id)).toMatchObject({ status: 'cancelled' })
  })
}
