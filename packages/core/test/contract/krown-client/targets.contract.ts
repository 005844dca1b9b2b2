import { expect, test } from 'vitest'
import type { TargetId } from '../../../src/model/ids.js'
import { refusal, UNKNOWN_ID, type World } from './world.js'

export function targetTests(world: () => World): void {
  const nowhere = { host: '192.0.2.1', username: 'root', probe: false } as const

  test('an admin makes a target, everybody who may use it sees it, and a session is opened by its name', async () => {
    const { clients, sshd } = world()
    const { admin, operator, auditor } = clients
    const { host, port, username, privateKey, hostKeyFingerprint } = sshd
    const credential = await admin.credentials.create({ name: 'of web1', kind: 'private_key', privateKey })
    const input = { name: 'Web1', host, port, username, credentialId: credential.id, tags: ['B', 'a'] }
    const target = await admin.targets.create(input)
    expect(target).toEqual({
      id: expect.any(String),
      orgId: credential.orgId,
      name: 'web1',
      host,
      port,
      username,
      tags: ['a', 'b'],
      credentialId: credential.id,
      credentialName: 'of web1',
      jumpTargetId: null,
      jumpTargetName: null,
      legacyAlgorithms: false,
      description: null,
      hostKeyFingerprints: [hostKeyFingerprint],
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: target.createdAt,
    })
    for (const { targets } of [admin, operator, auditor]) {
      // What credentials are called is for who manages them.
      const told = targets === admin.targets ? target : { ...target, credentialName: null }
      expect(await targets.get(target.id)).toEqual(told)
      expect((await targets.list({ name: 'web1' })).items).toEqual([told])
    }
    {
      await using handle = await operator.sessions.open({ targetName: 'web1' })
      const { username: ownerName } = await operator.auth.me()
      const opened = { targetId: target.id, targetName: 'web1', ownerName }
      expect(handle.session).toMatchObject({ ...opened, username, authMethod: 'key' })
      expect((await handle.exec('echo hello')).stdout).toBe('hello\n')
      const listed = await operator.sessions.list({ targetId: target.id })
      expect(listed.items).toMatchObject([{ id: handle.id, ...opened }])
    }
    const changed = await admin.targets.update(target.id, { name: 'web2', description: 'Front' })
    expect(changed).toEqual({ ...target, name: 'web2', description: 'Front', updatedAt: expect.any(String) })
    expect(await admin.targets.delete(target.id)).toEqual(changed)
    // Host keys stay when a target goes.
    const { items: keys } = await admin.hostKeys.list({ host })
    const probed = keys.filter(({ source }) => source === 'probe')
    expect(probed).toMatchObject([{ port, fingerprint: hostKeyFingerprint, userId: null }])
    for (const { id } of probed) await admin.hostKeys.delete(id)
    expect(await refusal(operator.sessions.open({ targetId: target.id }))).toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  test('lists go on where they ended', async () => {
    const { targets } = world().clients.admin
    for (const name of ['page-1', 'page-2', 'page-3'])
      await targets.create({ ...nowhere, name, tags: ['paged'] })
    const query = { selector: 'tag:paged', limit: 2 }
    const first = await targets.list(query)
    const rest = await targets.list({ ...query, cursor: first.nextCursor ?? undefined })
    const names = [...first.items, ...rest.items].map(({ name }) => name)
    expect([names, rest.nextCursor]).toEqual([['page-3', 'page-2', 'page-1'], null])
    for (const { id } of [...first.items, ...rest.items]) await targets.delete(id)
  })

  test('T17: where a session goes is said by the target or by the request, and never by both', async () => {
    const { operator } = world().clients
    const auth = { method: 'password', password: 'x' } as const
    const fieldsOf = async (input: object) => {
      const { code, details } = await refusal(operator.sessions.open(input as never))
      const fields = (details?.fields ?? []) as { path: string }[]
      return [code, fields.map(({ path }) => path).sort()]
    }
    const wrong: [object, string[]][] = [
      [{}, ['auth', 'host', 'username']],
      [{ host: 'h', username: 'u' }, ['auth']],
      [{ targetName: 't', host: 'h' }, ['host']],
      [{ targetName: 't', port: 22, auth }, ['port']],
      [{ targetName: 't', username: 'u' }, ['username']],
      [{ targetName: 't', targetId: UNKNOWN_ID }, ['targetName']],
      [{ targetName: 'not a name' }, ['targetName']],
    ]
    for (const [input, fields] of wrong) expect(await fieldsOf(input)).toEqual(['VALIDATION_FAILED', fields])
  })

  test('B02: only admins change the inventory, and readonly sees nothing of it', async () => {
    const { admin, operator, readonly, auditor } = world().clients
    const { id } = await admin.targets.create({ ...nowhere, name: 'kept' })
    const absent = UNKNOWN_ID as TargetId
    const codesOf = async (calls: Promise<unknown>[]) => {
      const errors = await Promise.all(calls.map(refusal))
      return new Set(errors.map(({ code, message }) => `${code} ${message}`))
    }
    for (const { targets } of [operator, readonly, auditor]) {
      const calls = [
        targets.create({ ...nowhere, name: 'x' }),
        targets.update(id, { name: 'x' }),
        targets.update(absent, { name: 'x' }),
        targets.delete(id),
      ]
      expect(await codesOf(calls)).toEqual(new Set(['FORBIDDEN your role does not allow target:manage']))
    }
    const { targets, sessions } = readonly
    const seen = [targets.list(), targets.get(id), sessions.open({ targetId: id })]
    expect(await codesOf(seen)).toEqual(
      new Set(['target:read', 'target:use'].map((right) => `FORBIDDEN your role does not allow ${right}`)),
    )
    const unknown = [operator.targets.get(absent), admin.targets.delete(absent)]
    expect(await codesOf(unknown)).toEqual(new Set(['NOT_FOUND target not found']))
    await admin.targets.delete(id)
  })
}
