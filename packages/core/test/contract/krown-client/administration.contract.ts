import { expect, test } from 'vitest'
import { openSession, type World } from './world.js'

export function administrationTests(world: () => World): void {
  test('an admin makes, lists, reads and changes users', async () => {
    const { admin } = world().clients
    const made = await admin.users.create({ username: 'Nina', password: 'a fine long password' })
    expect(made).toMatchObject({ username: 'nina', role: 'readonly', auditScope: 'own', disabled: false })
    expect(await admin.users.get(made.id)).toEqual(made)
    expect(await admin.users.update(made.id, { role: 'operator' })).toEqual({ ...made, role: 'operator' })
    const page = await admin.users.list({ role: 'operator', limit: 1 })
    const { username } = page.items[0] ?? expect.fail()
    expect((await admin.users.list({ username: username.toUpperCase() })).items).toEqual(page.items)
    expect((await admin.users.list({ username: username.slice(1) })).items).toEqual([])
    expect(page.items.map(({ id }) => id)).toEqual([made.id])
    expect(await admin.users.update(made.id, { disabled: true })).toMatchObject({ disabled: true })
  })

  test('what was done is in the journal, whose chain verifies', async () => {
    const { admin, operator } = world().clients
    await using session = await openSession(world())
    const command = await session.exec('echo journaled')
    const { items } = await admin.journal.list({ resourceId: command.id })
    expect(items.map(({ action }) => action)).toEqual(['command.finished', 'command.started'])
    expect(items[1]).toMatchObject({
      actorUserId: (await operator.auth.me()).id,
      outcome: 'success',
      details: { command: 'echo journaled' },
    })
    expect(await admin.journal.verify()).toMatchObject({ ok: true, firstBreak: null })
  })

  test('everybody may ask what this Krown is', async () => {
    expect(await world().clients.readonly.system.info()).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      capabilities: expect.arrayContaining(['sessions', 'commands']),
      limits: { commandBytes: 65_536, pageLimit: 200 },
    })
  })
}
