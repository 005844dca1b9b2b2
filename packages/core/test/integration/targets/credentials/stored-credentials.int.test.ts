import { expect, test } from 'vitest'
import { newId } from '../../../../src/base/ids.js'
import type { CredentialsTable } from '../../../../src/db/tables/inventory.table.js'
import type { CredentialId, OrgId, TargetId } from '../../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../../support/databases.js'
import { type KrownFixture, krownStarter, refusalOf } from '../../../support/krown-fixture.js'
import { encryptedKey, newMasterKey, rawDatabase, rotate, secretsOf } from './credentials-fixture.js'

/** What was logged, whatever the level. */
function recordingLogger() {
  const lines: string[] = []
  const log = (fields: object, message: string) => {
    const texts = Object.values(fields).map((value) =>
      value instanceof Error ? `${value.stack} ${JSON.stringify(value)}` : JSON.stringify(value),
    )
    lines.push([message, ...texts].join(' '))
  }
  return { lines, debug: log, info: log, warn: log, error: log }
}

const setRow = ({ db }: KrownFixture, id: CredentialId, set: Partial<CredentialsTable>) =>
  db.updateTable('credentials').set(set).where('id', '=', id).execute()

const rowOf = ({ db }: KrownFixture, id: CredentialId) =>
  db.selectFrom('credentials').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

const PASSWORD = { kind: 'password', password: 'the password of a target' } as const

describeOnBothDatabases('stored credentials', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('are what was stored: a password, a key with its passphrase, and what replaced them', async () => {
    await using fixture = await start()
    const { credentials } = fixture.admin
    const secrets = secretsOf(fixture)
    const [privateKey, passphrase] = [encryptedKey('pass'), 'pass']
    const one = await credentials.create({ name: 'one', ...PASSWORD })
    const two = await credentials.create({ name: 'two', kind: 'private_key', privateKey, passphrase })
    expect(await secrets.secretFor(one.orgId, one.id)).toEqual({
      method: 'password',
      password: PASSWORD.password,
    })
    expect(await secrets.secretFor(two.orgId, two.id)).toEqual({ method: 'key', privateKey, passphrase })
    await credentials.update(one.id, { password: 'another' })
    await credentials.update(two.id, { name: 'three' })
    expect(await secrets.secretFor(one.orgId, one.id)).toEqual({ method: 'password', password: 'another' })
    expect(await secrets.secretFor(two.orgId, two.id)).toEqual({ method: 'key', privateKey, passphrase })
    const absent = refusalOf(secrets.secretFor(one.orgId, newId<CredentialId>()))
    expect(await absent).toMatchObject({ code: 'NOT_FOUND' })
    const foreign = refusalOf(secrets.secretFor(newId<OrgId>(), one.id))
    expect(await foreign).toMatchObject({ code: 'NOT_FOUND', message: (await absent).message })
  })

  test('B04: a secret that was swapped with another row, version or organization is never decrypted', async () => {
    await using fixture = await start()
    const { credentials } = fixture.admin
    const secrets = secretsOf(fixture)
    const { id, orgId } = await credentials.create({ name: 'one', ...PASSWORD })
    const other = await credentials.create({ name: 'two', ...PASSWORD })
    const refused = async () => refusalOf(secrets.secretFor(orgId, id))
    const before = await rowOf(fixture, id)

    await setRow(fixture, id, { secret: (await rowOf(fixture, other.id)).secret })
    expect(await refused()).toMatchObject({ code: 'INTERNAL' })
    await setRow(fixture, id, before)
    await credentials.update(id, { password: 'a newer one' })
    const after = await rowOf(fixture, id)
    expect(after.version).toBe(before.version + 1)
    await setRow(fixture, id, { secret: before.secret })
    expect(await refused()).toMatchObject({ code: 'INTERNAL' })
    // Put back with its version it is the row as it was: that is what the journal is for.
    await setRow(fixture, id, { ...after, version: after.version + 1 })
    expect(await refused()).toMatchObject({ code: 'INTERNAL' })

    const foreignOrg = newId<OrgId>()
    const organization = { id: foreignOrg, slug: foreignOrg, name: 'x', created_at: 0 }
    await fixture.db.insertInto('organizations').values(organization).execute()
    await setRow(fixture, other.id, { org_id: foreignOrg })
    const moved = await refusalOf(secrets.secretFor(foreignOrg, other.id))
    expect([moved.code, moved.details]).toEqual(['INTERNAL', undefined])
  })

  test('J05: no secret is readable in the database or the log after any way of writing one', async () => {
    const logger = recordingLogger()
    await using fixture = await start({ parts: { logger } })
    const { masterKey } = fixture.krown.config.vault
    const { credentials } = fixture.admin
    const [privateKey, nextKey] = [encryptedKey('canary passphrase'), encryptedKey('canary passphrase')]
    const canaries = [
      'canary one',
      'canary two',
      'canary refused',
      'canary passphrase',
      'canary wrong',
      ...[privateKey, nextKey].map((key) => key.split('\n')[5] ?? ''),
      masterKey,
      Buffer.from(masterKey, 'base64').toString('hex'),
      Buffer.from(masterKey, 'base64').toString('latin1'),
    ]
    const seen: string[] = []
    const check = async (what: string) => {
      const text = (await rawDatabase(fixture.place, fixture.database)) + logger.lines.join('\n')
      seen.push(...canaries.filter((canary) => text.includes(canary)).map((canary) => `${what}: ${canary}`))
    }
    const password = await credentials.create({ name: 'one', kind: 'password', password: 'canary one' })
    await check('password stored')
    const keyInput = { kind: 'private_key', privateKey, passphrase: 'canary passphrase' } as const
    const key = await credentials.create({ name: 'two', ...keyInput })
    await check('key stored')
    await credentials.update(password.id, { password: 'canary two' })
    await credentials.update(key.id, { privateKey: nextKey, passphrase: 'canary passphrase' })
    await check('secrets replaced')
    await refusalOf(credentials.create({ name: 'one', kind: 'password', password: 'canary refused' }))
    await refusalOf(credentials.create({ name: 'x', ...keyInput, passphrase: 'canary wrong' }))
    await check('refused')
    await rotate(fixture, { to: newMasterKey(), previous: [masterKey] })
    await check('rotated')
    await refusalOf(secretsOf(fixture).secretFor(key.orgId, key.id))
    await credentials.delete(password.id)
    await check('deleted')
    expect(seen).toEqual([])
    // The scan would have found what is there.
    expect(await rawDatabase(fixture.place, fixture.database)).toContain(key.fingerprint)
  })

  test('what targets sign in with cannot be deleted, and the refusal says how many they are', async () => {
    await using fixture = await start()
    const { credentials } = fixture.admin
    const { id, orgId } = await credentials.create({ name: 'shared', ...PASSWORD })
    const target = (name: string) => ({
      id: newId<TargetId>(),
      org_id: orgId,
      name,
      host: 'db.example.com',
      port: 22,
      username: 'root',
      tags: '[]',
      credential_id: id,
      legacy_algorithms: 0 as const,
      created_at: 0,
      updated_at: 0,
    })
    await fixture.db
      .insertInto('targets')
      .values([target('db1'), target('db2')])
      .execute()
    expect(await refusalOf(credentials.delete(id))).toMatchObject({
      code: 'CONFLICT',
      message: 'the credential is in use: 2 targets sign in with it',
      details: { targets: 2 },
    })
    expect(await credentials.get(id)).toMatchObject({ name: 'shared' })
    await fixture.db.deleteFrom('targets').where('credential_id', '=', id).execute()
    expect(await credentials.delete(id)).toMatchObject({ id })
  })

  test('an organization has at most 10,000, and the refusal says so', async () => {
    await using fixture = await start()
    const { credentials } = fixture.admin
    const { id } = await credentials.create({ name: 'first', ...PASSWORD })
    const row = await rowOf(fixture, id)
    for (let stored = 1; stored < 10_000; stored += 909) {
      const copies = Array.from({ length: 909 }, (_, i) => ({
        ...row,
        id: newId<CredentialId>(),
        name: `copy ${stored + i}`,
      }))
      await fixture.db.insertInto('credentials').values(copies).execute()
    }
    const refusal = await refusalOf(credentials.create({ name: 'one too many', ...PASSWORD }))
    expect(refusal).toMatchObject({ code: 'QUOTA_EXCEEDED', details: { limit: 10_000 } })
    await credentials.delete(id)
    expect(await credentials.create({ name: 'in its place', ...PASSWORD })).toMatchObject({
      kind: 'password',
    })
  })

  test('two who take one name at once: one has it', async () => {
    await using fixture = await start()
    const { credentials } = fixture.admin
    const results = await Promise.allSettled(
      Array.from({ length: 4 }, () => credentials.create({ name: 'one', ...PASSWORD })),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    expect(refused).toEqual(['CONFLICT', 'CONFLICT', 'CONFLICT'])
  })

  test('two who replace a secret at once: one comes after the other, and it is readable', async () => {
    await using fixture = await start()
    const { credentials } = fixture.admin
    const { id, orgId } = await credentials.create({ name: 'one', ...PASSWORD })
    const passwords = ['a', 'b', 'c', 'd']
    await Promise.all(passwords.map((password) => credentials.update(id, { password })))
    expect(await rowOf(fixture, id)).toMatchObject({ version: 5 })
    const { method, ...secret } = await secretsOf(fixture).secretFor(orgId, id)
    expect([method, passwords]).toEqual(['password', expect.arrayContaining(Object.values(secret))])
  })

  test('without a master key none is stored, and the refusal says what to do', async () => {
    await using fixture = await start({ config: { vault: { masterKey: '' } } })
    const { credentials } = fixture.admin
    expect(await refusalOf(credentials.create({ name: 'one', ...PASSWORD }))).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('vault.master_key'),
    })
    expect((await credentials.list()).items).toEqual([])
  })
})
