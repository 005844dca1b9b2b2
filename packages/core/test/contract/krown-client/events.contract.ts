import { expect, test } from 'vitest'
import type { SessionEvent } from '../../../src/model/session-event.js'
import {
  type EventsReader,
  login,
  openSession,
  readEvents,
  refusal,
  UNKNOWN_ID,
  type World,
} from './world.js'

/** What was printed, as the pieces say. */
function printed(events: readonly SessionEvent[]): string {
  return events.map((event) => (event.type === 'command_output' ? event.data : '')).join('')
}

const numbersOf = (events: readonly SessionEvent[]) => events.map(({ seq }) => seq)

async function untilFinished(reader: EventsReader): Promise<SessionEvent[]> {
  return reader.until(({ type }) => type === 'command_finished')
}

export function eventTests(world: () => World): void {
  test('who follows a session hears of each command, its output and the end', async () => {
    const { operator } = world().clients
    const session = await openSession(world())
    await using reader = readEvents(operator.sessions.events({ sessionId: session.id }))
    expect(await reader.next()).toMatchObject({
      type: 'session_status',
      sessionId: session.id,
      session: { id: session.id, status: 'connected' },
    })
    const command = await session.exec('echo out; exit 3')
    await session.close()
    const events = await reader.rest()
    expect(events).toMatchObject([
      { type: 'command_started', command: { id: command.id, status: 'running', finishedAt: null } },
      {
        type: 'command_output',
        commandId: command.id,
        stream: 'stdout',
        data: 'out\n',
        encoding: 'utf8',
        offset: 0,
      },
      { type: 'command_finished', command: { id: command.id, status: 'completed', exitCode: 3 } },
      { type: 'session_status', session: { status: 'disconnected', statusReason: 'closed_by_user' } },
    ])
    expect(events[0]).not.toHaveProperty('command.stdout')
  })

  test('the numbers of a session begin with 1 and have no hole', async () => {
    const { operator } = world().clients
    const session = await openSession(world())
    await session.exec('echo one')
    await session.close()
    const events = await readEvents(operator.sessions.events({ sessionId: session.id, after: 0 })).rest()
    expect(events.map(({ type }) => type)).toEqual([
      'session_status',
      'session_status',
      'command_started',
      'command_output',
      'command_finished',
      'session_status',
    ])
    expect(numbersOf(events)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('after a cut it goes on after the last number: nothing is missing and nothing comes twice', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const sessionId = session.id
    await using first = readEvents(operator.sessions.events({ sessionId }))
    await first.next()
    const { id } = await operator.commands.start({ sessionId, command: 'cat', stdinOpen: true })
    await operator.commands.write(id, 'before ')
    const before = await first.until(({ type }) => type === 'command_output')
    await first.leave()
    await operator.commands.write(id, 'meanwhile ')
    const after = before.at(-1)?.seq ?? 0
    await using second = readEvents(operator.sessions.events({ sessionId, after }))
    await operator.commands.write(id, 'after')
    await operator.commands.closeStdin(id)
    const rest = await untilFinished(second)
    expect(printed([...before, ...rest])).toBe('before meanwhile after')
    expect(rest[0]?.seq).toBe(after + 1)
    expect(numbersOf(rest)).toEqual(numbersOf(rest).map((_, index) => after + 1 + index))
  })

  test('who went away at the first event can go on after it', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const sessionId = session.id
    await session.exec('echo before')
    await using first = readEvents(operator.sessions.events({ sessionId }))
    const { seq } = await first.next()
    await first.leave()
    const command = await session.exec('echo after')
    await using second = readEvents(operator.sessions.events({ sessionId, after: seq }))
    const events = await untilFinished(second)
    expect(events[0]).toMatchObject({ type: 'command_started', seq: seq + 1, command: { id: command.id } })
  })

  test('output that is not text travels as base64, and characters are not cut', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const sessionId = session.id
    await using reader = readEvents(operator.sessions.events({ sessionId }))
    await reader.next()
    await session.exec("printf '\\377\\376'")
    const binary = await untilFinished(reader)
    expect(binary[1]).toMatchObject({ type: 'command_output', data: '//4=', encoding: 'base64' })
    const { id } = await operator.commands.start({ sessionId, command: 'cat', stdinOpen: true })
    await operator.commands.write(id, Buffer.from('grü').subarray(0, 3))
    await reader.until(({ type }) => type === 'command_output')
    await operator.commands.write(id, Buffer.from('grüße').subarray(3))
    await operator.commands.closeStdin(id)
    expect(await untilFinished(reader)).toMatchObject([
      { type: 'command_output', data: 'üße', encoding: 'utf8', offset: 2 },
      { type: 'command_finished' },
    ])
  })

  test('without output only what changes is told', async () => {
    const { operator } = world().clients
    const session = await openSession(world())
    await session.exec('echo much')
    await session.close()
    const options = { sessionId: session.id, after: 0, output: false }
    const events = await readEvents(operator.sessions.events(options)).rest()
    expect(events.map(({ type }) => type)).not.toContain('command_output')
    expect(numbersOf(events)).toEqual([1, 2, 3, 5, 6])
  })

  test('of a session that ended, a new reader is told how, and nothing more', async () => {
    const { operator } = world().clients
    const session = await openSession(world())
    await session.close()
    const events = await readEvents(operator.sessions.events({ sessionId: session.id })).rest()
    expect(events).toMatchObject([{ type: 'session_status', seq: 3, session: { status: 'disconnected' } }])
  })

  test('a session that never connected has its end as well', async () => {
    const { operator } = world().clients
    const wrong = { ...login(world()), hostKeyFingerprint: `SHA256:${'A'.repeat(43)}` }
    const { details } = await refusal(operator.sessions.open(wrong))
    const options = { sessionId: details?.sessionId as never, after: 0 }
    expect(await readEvents(operator.sessions.events(options)).rest()).toMatchObject([
      { type: 'session_status', seq: 1, session: { status: 'connecting' } },
      { type: 'session_status', seq: 2, session: { status: 'error', statusReason: 'host_key_mismatch' } },
    ])
  })

  test('who follows everything hears of sessions and commands, without output', async () => {
    const { operator } = world().clients
    await using reader = readEvents(operator.sessions.events())
    const ended = reader.until((event) => event.type === 'session_status' && event.session.endedAt !== null)
    const session = await openSession(world())
    const command = await session.exec('echo hello')
    await session.close()
    expect(await ended).toMatchObject([
      { type: 'session_status', sessionId: session.id, seq: 1, session: { status: 'connecting' } },
      { type: 'session_status', sessionId: session.id, seq: 2, session: { status: 'connected' } },
      { type: 'command_started', sessionId: session.id, seq: 3, command: { id: command.id } },
      { type: 'command_finished', sessionId: session.id, seq: 5, command: { id: command.id } },
      { type: 'session_status', sessionId: session.id, seq: 6, session: { status: 'disconnected' } },
    ])
  })

  test('B08: whom a session does not belong to is told nothing of it, by number or by accident', async () => {
    const { operator, otherOperator, readonly, auditor } = world().clients
    const controller = new AbortController()
    const { signal } = controller
    const blind = [otherOperator, readonly].map((client) =>
      readEvents(client.sessions.events({ signal })).rest(),
    )
    await using audited = readEvents(auditor.sessions.events())
    const seen = audited.until((event) => event.type === 'session_status' && event.session.endedAt !== null)
    const session = await openSession(world())
    await session.exec('echo secret')
    for (const client of [otherOperator, readonly]) {
      const refused = await refusal(readEvents(client.sessions.events({ sessionId: session.id })).rest())
      const unknown = await refusal(
        readEvents(client.sessions.events({ sessionId: UNKNOWN_ID as never })).rest(),
      )
      expect(refused).toMatchObject({ code: 'NOT_FOUND', message: unknown.message })
    }
    await session.close()
    expect((await seen).map(({ sessionId }) => sessionId)).toContain(session.id)
    controller.abort(new Error('enough'))
    for (const reading of blind) await expect(reading).rejects.toThrow()
    expect(await readEvents(operator.sessions.events({ sessionId: session.id })).rest()).toHaveLength(1)
  })
}
