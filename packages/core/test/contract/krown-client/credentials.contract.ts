import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import type { CredentialId } from '../../../src/model/ids.js'
import { refusal, UNKNOWN_ID, type World } from './world.js'

const PASSWORD = 'the password of a target'

const encryptedKey = (passphrase: string) =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase },
  }).privateKey

export function credentialTests(world: () => World): void {
  test('J05: an admin stores, lists, reads, renames and deletes credentials, and is never told a secret', async () => {
    const { credentials } = world().clients.admin
    const made = await credentials.create({ name: 'root on db', kind: 'password', password: PASSWORD })
    expect(made).toEqual({
      id: expect.any(String),
      orgId: expect.any(String),
      name: 'root on db',
      kind: 'password',
      fingerprint: null,
      createdAt: expect.any(String),
      updatedAt: made.createdAt,
    })
    expect(await credentials.get(made.id)).toEqual(made)
    const second = await credentials.create({ name: 'other', kind: 'password', password: PASSWORD })
    const first = await credentials.list({ limit: 1 })
    expect(first.items).toEqual([second])
    const rest = await credentials.list({ limit: 1, cursor: first.nextCursor ?? undefined })
    expect(rest.items).toEqual([made])
    expect((await credentials.list({ name: 'root on db' })).items).toEqual([made])
    expect((await credentials.list({ name: 'root' })).items).toEqual([])
    const renamed = await credentials.update(made.id, { name: 'root on db1', password: 'changed' })
    expect(renamed).toEqual({ ...made, name: 'root on db1', updatedAt: expect.any(String) })
    expect(await credentials.delete(made.id)).toEqual(renamed)
    expect(await refusal(credentials.get(made.id))).toMatchObject({ code: 'NOT_FOUND' })
    await credentials.delete(second.id)
  })

  test('a private key is shown by the fingerprint of its public key, which another key changes', async () => {
    const { clients, sshd } = world()
    const { credentials } = clients.admin
    const input = { name: 'a key', kind: 'private_key' } as const
    const made = await credentials.create({ ...input, privateKey: sshd.privateKey })
    expect(made.fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/)
    const passphrase = 'correct'
    const changed = await credentials.update(made.id, { privateKey: encryptedKey(passphrase), passphrase })
    expect(changed.fingerprint).toMatch(/^SHA256:/)
    expect(changed.fingerprint).not.toBe(made.fingerprint)
    expect(JSON.stringify([made, changed, await credentials.list()])).not.toContain('PRIVATE KEY')
    await credentials.delete(made.id)
  })

  test.each([
    ['a wrong passphrase', () => ({ privateKey: encryptedKey('right'), passphrase: 'wrong' }), 'passphrase'],
    ['no passphrase', () => ({ privateKey: encryptedKey('right') }), 'passphrase'],
    ['no key at all', () => ({ privateKey: 'nonsense' }), 'privateKey'],
    ['nothing', () => ({}), 'privateKey'],
    ['a password beside it', () => ({ privateKey: encryptedKey('x'), password: 'x' }), 'password'],
  ])('a private key with %s is refused by its field', async (_, secret, path) => {
    const { credentials } = world().clients.admin
    const refused = await refusal(credentials.create({ name: 'bad', kind: 'private_key', ...secret() }))
    expect(refused).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { fields: [expect.objectContaining({ path })] },
    })
  })

  test('the kind of a credential stays, and so does its name that nobody else may have', async () => {
    const { credentials } = world().clients.admin
    const made = await credentials.create({ name: 'taken', kind: 'password', password: PASSWORD })
    const again = credentials.create({ name: 'taken', kind: 'password', password: PASSWORD })
    expect(await refusal(again)).toMatchObject({ code: 'CONFLICT' })
    const other = await credentials.create({ name: 'free', kind: 'password', password: PASSWORD })
    expect(await refusal(credentials.update(other.id, { name: 'taken' }))).toMatchObject({ code: 'CONFLICT' })
    const { details } = await refusal(credentials.update(made.id, { privateKey: 'x', passphrase: 'y' }))
    expect(details).toMatchObject({ fields: [{ path: 'privateKey' }, { path: 'passphrase' }] })
    await credentials.delete(made.id)
    await credentials.delete(other.id)
  })

  test('a credential that targets sign in with is not deleted, and the refusal says how many they are', async () => {
    const { credentials, targets } = world().clients.admin
    const { id } = await credentials.create({ name: 'in use', kind: 'password', password: PASSWORD })
    const place = { host: 'in-use.example.com', username: 'root', probe: false, credentialId: id }
    const users = [await targets.create({ ...place, name: 'uses-1' })]
    const refused = async () => {
      const { code, message, details } = await refusal(credentials.delete(id))
      return { code, message, details }
    }
    expect(await refused()).toEqual({
      code: 'CONFLICT',
      message: 'the credential is in use: 1 target signs in with it',
      details: { targets: 1 },
    })
    users.push(await targets.create({ ...place, name: 'uses-2' }))
    expect(await refused()).toMatchObject({ code: 'CONFLICT', details: { targets: 2 } })
    expect(await credentials.get(id)).toMatchObject({ name: 'in use' })
    for (const target of users) await targets.delete(target.id)
    expect(await credentials.delete(id)).toMatchObject({ id })
  })

  test('B02: nobody but admins comes near credentials', async () => {
    const { admin, operator, readonly, auditor } = world().clients
    const { id } = await admin.credentials.create({ name: 'kept', kind: 'password', password: PASSWORD })
    for (const { credentials } of [operator, readonly, auditor]) {
      for (const call of [
        () => credentials.list(),
        () => credentials.get(id),
        () => credentials.create({ name: 'x', kind: 'password', password: 'x' }),
        () => credentials.update(id, { password: 'x' }),
        () => credentials.delete(id),
      ]) {
        expect(await refusal(call())).toMatchObject({ code: 'FORBIDDEN' })
      }
    }
    const absent = UNKNOWN_ID as CredentialId
    expect(await refusal(admin.credentials.get(absent))).toMatchObject({ code: 'NOT_FOUND' })
    expect(await refusal(admin.credentials.update(absent, { name: 'x' }))).toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(await refusal(admin.credentials.delete(absent))).toMatchObject({ code: 'NOT_FOUND' })
    await admin.credentials.delete(id)
  })

  test('J05: what is done with credentials is journaled by name and fingerprint, without any secret', async () => {
    const { admin } = world().clients
    const input = { name: 'journaled', kind: 'password', password: PASSWORD } as const
    const { id } = await admin.credentials.create(input)
    await admin.credentials.update(id, { password: 'another secret' })
    await admin.credentials.update(id, { name: 'journaled as well' })
    await admin.credentials.update(id, {})
    await admin.credentials.delete(id)
    const { items } = await admin.journal.list({ resourceId: id })
    expect(items.map(({ action, facts, details }) => [action, facts, details]).reverse()).toEqual([
      [
        'credential.created',
        { kind: 'password', fingerprint: null },
        expect.objectContaining({ credential: 'journaled' }),
      ],
      [
        'credential.updated',
        { kind: 'password', newSecret: true, fingerprint: null },
        expect.objectContaining({ credential: 'journaled' }),
      ],
      [
        'credential.updated',
        { kind: 'password' },
        expect.objectContaining({ credential: 'journaled as well', renamedFrom: 'journaled' }),
      ],
      [
        'credential.deleted',
        { kind: 'password' },
        expect.objectContaining({ credential: 'journaled as well' }),
      ],
    ])
    expect(JSON.stringify(items)).not.toMatch(new RegExp(`${PASSWORD}|another secret`))
  })
}
