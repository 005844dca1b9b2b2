import { expect, test } from 'vitest'
import type { SessionId } from '../../../src/model/ids.js'
import { login, openSession, refusal, type World } from './world.js'

export function sessionTests(world: () => World): void {
  test('open gives a connected session, and close ends it', async () => {
    const { operator } = world().clients
    const handle = await operator.sessions.open(login(world()))
    const me = await operator.auth.me()
    expect(handle.session).toMatchObject({
      id: handle.id,
      userId: me.id,
      orgId: me.orgId,
      targetId: null,
      host: '127.0.0.1',
      port: world().sshd.port,
      username: world().sshd.username,
      authMethod: 'key',
      status: 'connected',
      statusReason: null,
      hostKeyFingerprint: world().sshd.hostKeyFingerprint,
      endedAt: null,
      bytesIn: 0,
      bytesOut: 0,
    })
    expect(await operator.sessions.get(handle.id)).toEqual(handle.session)
    const closed = await handle.close()
    expect(closed).toMatchObject({ id: handle.id, status: 'disconnected', statusReason: 'closed_by_user' })
    expect(closed.endedAt).toEqual(expect.any(String))
    expect(await operator.sessions.get(handle.id)).toEqual(closed)
  })

  test('closing twice is fine, and tells how it ended the first time', async () => {
    const handle = await openSession(world())
    const closed = await handle.close()
    expect(await handle.close()).toEqual(closed)
    expect(await world().clients.admin.sessions.close(handle.id)).toEqual(closed)
  })

  test('leaving the scope of a handle closes the session', async () => {
    const { operator } = world().clients
    let id: SessionId
    {
      await using handle = await openSession(world())
      id = handle.id
    }
    expect(await operator.sessions.get(id)).toMatchObject({ status: 'disconnected' })
  })

  test('nothing runs in a session that was closed', async () => {
    const handle = await openSession(world())
    await handle.close()
    expect(await refusal(handle.exec('true'))).toMatchObject({ code: 'SESSION_NOT_CONNECTED' })
    expect(await refusal(handle.stream('true'))).toMatchObject({ code: 'SESSION_NOT_CONNECTED' })
  })

  test('a session that could not be opened keeps its row, which the error names', async () => {
    const { operator } = world().clients
    const wrong = { method: 'password', password: 'not this one' } as const
    const error = await refusal(operator.sessions.open({ ...login(world()), auth: wrong }))
    expect(error.code).toBe('TARGET_AUTH_FAILED')
    const row = await operator.sessions.get(error.details?.sessionId as SessionId)
    expect(row).toMatchObject({ status: 'error', statusReason: 'target_auth_failed', connectedAt: null })
  })

  test('a list is newest first, by page, and by status, user and host', async () => {
    const { operator, otherOperator, admin } = world().clients
    const first = await openSession(world())
    const second = await openSession(world())
    await using foreign = await otherOperator.sessions.open(login(world()))
    await first.close()
    const page = await operator.sessions.list({ limit: 1 })
    expect(page.items.map(({ id }) => id)).toEqual([second.id])
    const next = await operator.sessions.list({ limit: 1, cursor: page.nextCursor ?? '' })
    expect(next.items.map(({ id }) => id)).toEqual([first.id])
    const live = await admin.sessions.list({ status: 'connected', host: '127.0.0.1' })
    expect(live.items.map(({ id }) => id)).toEqual([foreign.id, second.id])
    const mine = await admin.sessions.list({ status: 'connected', userId: second.session.userId })
    expect(mine.items.map(({ id }) => id)).toEqual([second.id])
    expect((await admin.sessions.list({ host: 'elsewhere.example' })).items).toEqual([])
    await second.close()
  })
}
