import { expect, test } from 'vitest'
import type { CommandId, SessionId } from '../../../src/model/ids.js'
import { eventsOf, login, openSession, refusal, UNKNOWN_ID, type World } from './world.js'

export function rightsTests(world: () => World): void {
  test('a read-only user may open nothing and sees only itself', async () => {
    const { readonly } = world().clients
    await using session = await openSession(world())
    expect(await refusal(readonly.sessions.open(login(world())))).toMatchObject({ code: 'FORBIDDEN' })
    expect(await refusal(readonly.sessions.get(session.id))).toMatchObject({ code: 'NOT_FOUND' })
    expect((await readonly.sessions.list()).items).toEqual([])
    expect(await refusal(readonly.journal.list())).toMatchObject({ code: 'FORBIDDEN' })
    expect(await refusal(readonly.users.list())).toMatchObject({ code: 'FORBIDDEN' })
    expect(await readonly.auth.me()).toMatchObject({ role: 'readonly' })
  })

  test("an operator does not see another's session or command, and is told what a made-up id is told", async () => {
    const { otherOperator } = world().clients
    await using session = await openSession(world())
    const command = await session.exec('true')
    const made = UNKNOWN_ID as never
    const calls: ((sessionId: SessionId, commandId: CommandId) => Promise<unknown>)[] = [
      (sessionId) => otherOperator.sessions.get(sessionId),
      (sessionId) => otherOperator.sessions.close(sessionId),
      (sessionId) => otherOperator.sessions.execute(sessionId, { command: 'true' }),
      (sessionId) => otherOperator.commands.start({ sessionId, command: 'true' }),
      (sessionId) => otherOperator.commands.list({ sessionId }),
      (_, commandId) => otherOperator.commands.get(commandId),
      (_, commandId) => otherOperator.commands.cancel(commandId),
      (_, commandId) => otherOperator.commands.write(commandId, 'x'),
      (_, commandId) => otherOperator.commands.closeStdin(commandId),
      (_, commandId) => eventsOf(otherOperator.commands.output(commandId)),
    ]
    for (const call of calls) {
      const foreign = await refusal(call(session.id, command.id))
      const absent = await refusal(call(made, made))
      expect(foreign).toMatchObject({ code: 'NOT_FOUND', message: absent.message, details: absent.details })
    }
  })

  test('an auditor reads everything and controls nothing', async () => {
    const { auditor } = world().clients
    await using session = await openSession(world())
    const command = await session.exec('echo seen')
    expect(await auditor.commands.get(command.id)).toMatchObject({ stdout: 'seen\n' })
    expect(await auditor.sessions.get(session.id)).toMatchObject({ status: 'connected' })
    expect(await refusal(auditor.sessions.close(session.id))).toMatchObject({ code: 'FORBIDDEN' })
    expect(await refusal(auditor.commands.cancel(command.id))).toMatchObject({ code: 'FORBIDDEN' })
    expect(await auditor.journal.verify()).toMatchObject({ ok: true })
  })

  test("an admin uses and closes an operator's session", async () => {
    const { admin } = world().clients
    const session = await openSession(world())
    expect(await admin.sessions.execute(session.id, { command: 'echo hi' })).toMatchObject({ stdout: 'hi\n' })
    expect(await admin.sessions.close(session.id)).toMatchObject({ statusReason: 'closed_by_admin' })
  })
}
