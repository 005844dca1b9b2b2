import { expect, test } from 'vitest'
import type { CommandId } from '../../../src/model/ids.js'
import { eventsOf, login, openSession, refusal, UNKNOWN_ID, type World } from './world.js'

export function inputTests(world: () => World): void {
  const refusedFields = async (call: Promise<unknown>) => {
    const error = await refusal(call)
    expect(error.code).toBe('VALIDATION_FAILED')
    const fields = error.details?.fields as { path: string }[]
    return fields.map(({ path }) => path)
  }

  test('unknown fields are refused by name', async () => {
    const { admin, operator } = world().clients
    await using session = await openSession(world())
    const extra = { surprise: 1 } as object
    const id = UNKNOWN_ID as never
    const user = { username: 'x', password: 'a fine long password' }
    const calls: (() => Promise<unknown>)[] = [
      () => operator.sessions.open({ ...login(world()), ...extra }),
      () => operator.sessions.list(extra),
      () => operator.sessions.execute(session.id, { command: 'true', ...extra }),
      () => session.exec('true', extra),
      () => session.stream('true', extra),
      () => operator.commands.start({ sessionId: session.id, command: 'true', ...extra }),
      () => operator.commands.get(id, extra),
      () => operator.commands.list(extra),
      () => eventsOf(operator.commands.output(id, extra)),
      () => eventsOf(operator.sessions.events(extra)),
      () => eventsOf(admin.journal.follow(extra)),
      () => admin.users.list(extra),
      () => admin.users.create({ ...user, ...extra }),
      () => admin.users.update(id, extra),
      () => admin.journal.list(extra),
    ]
    for (const call of calls) expect(await refusedFields(call())).toEqual(['surprise'])
    const auth = { ...login(world()).auth, orgId: 'mine' }
    expect(await refusedFields(operator.sessions.open({ ...login(world()), auth }))).toEqual(['auth.orgId'])
  })

  test('options say how a command runs, never which one or where', async () => {
    await using session = await openSession(world())
    await using other = await openSession(world())
    const options = { command: 'echo smuggled', sessionId: other.id } as object
    const { command, sessionId, stdout } = await session.exec('echo meant', {
      command: 'echo smuggled',
    } as object)
    expect({ command, sessionId, stdout }).toEqual({
      command: 'echo meant',
      sessionId: session.id,
      stdout: 'meant\n',
    })
    const streamed = await (await session.stream('echo meant', options)).result
    expect(streamed).toMatchObject({ command: 'echo meant', sessionId: session.id })
  })

  test('what is out of range is refused, never clamped', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const { limits } = await operator.system.info()
    const exec = (options: object) => session.exec('true', options)
    expect(await refusedFields(exec({ timeoutMs: 0 }))).toEqual(['timeoutMs'])
    expect(await refusedFields(exec({ timeoutMs: 1.5 }))).toEqual(['timeoutMs'])
    expect(await refusedFields(exec({ timeoutMs: limits.maxCommandTimeoutMs + 1 }))).toEqual(['timeoutMs'])
    expect(await refusedFields(exec({ maxOutputBytes: limits.execOutputBytes + 1 }))).toEqual([
      'maxOutputBytes',
    ])
    expect(await refusedFields(exec({ stdin: 'not base64', stdinEncoding: 'base64' }))).toEqual(['stdin'])
    expect(await refusedFields(exec({ commandId: 'mine' }))).toEqual(['commandId'])
    expect(await refusedFields(session.exec('nul \0 here'))).toEqual(['command'])
    expect(await refusedFields(session.exec(''))).toEqual(['command'])
    expect(await refusedFields(operator.sessions.list({ limit: 201 }))).toEqual(['limit'])
    expect(await refusedFields(operator.commands.list({ cursor: 'made up' }))).toEqual(['cursor'])
    const output = (after: number) => eventsOf(operator.commands.output(UNKNOWN_ID as never, { after }))
    for (const after of [-1, 0.5, Number.NaN]) expect(await refusedFields(output(after))).toEqual(['after'])
    const events = (options: object) => refusedFields(eventsOf(operator.sessions.events(options)))
    expect(await events({ sessionId: session.id, after: -1 })).toEqual(['after'])
    expect(await events({ sessionId: 'mine' })).toEqual(['sessionId'])
    // Of everything there are no numbers to go on after, and there is no output.
    expect(await events({ after: 0 })).toEqual(['after'])
    expect(await events({ output: true })).toEqual(['output'])
    expect(await refusedFields(eventsOf(operator.journal.follow({ after: 0.5 })))).toEqual(['after'])
    const unnamed = operator.commands.output('mine' as CommandId)
    expect(await refusedFields(eventsOf(unnamed))).toEqual(['commandId'])
    const notBytes = operator.commands.write(UNKNOWN_ID as CommandId, [1, 2] as never)
    expect(await refusedFields(notBytes)).toEqual(['data'])
  })

  test('a command of more than 64 KiB is refused', async () => {
    await using session = await openSession(world())
    const error = await refusal(session.exec(`: ${'€'.repeat(22_000)}`))
    expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  })
}
