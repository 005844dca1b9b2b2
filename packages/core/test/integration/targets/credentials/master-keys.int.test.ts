import { startLocalSshServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import { systemClock } from '../../../../src/base/clock.js'
import { silentLogger } from '../../../../src/base/logger.js'
import { parseConfig } from '../../../../src/config/parse-config.js'
import { createKrown } from '../../../../src/create-krown.js'
import type { CredentialId } from '../../../../src/model/ids.js'
import { openKrownAdmin } from '../../../../src/open-admin.js'
import { claimMasterKey } from '../../../../src/targets/credentials/master-keys.js'
import { Keyring } from '../../../../src/vault/keyring.js'
import { describeOnBothDatabases } from '../../../support/databases.js'
import {
  configFor,
  type KrownFixture,
  krownStarter,
  refusalOf,
  startKrown,
} from '../../../support/krown-fixture.js'
import { keyIdOf, newMasterKey, rotate, secretsByKey, secretsWith, storeMany } from './credentials-fixture.js'

/** More than two batches of a rotation. */
const MANY = 230

const [OLD, NEW, OTHER] = [newMasterKey(), newMasterKey(), newMasterKey()]
const [OLD_ID, NEW_ID] = [keyIdOf(OLD), keyIdOf(NEW)]

const withOld = { config: { vault: { masterKey: OLD } } }
const withBoth = { config: { vault: { masterKey: NEW, previousMasterKeys: [OLD] } } }

const keyMissing = (message: string) =>
  expect.objectContaining({
    code: 'VALIDATION_FAILED',
    details: { fields: [{ path: 'vault.master_key', message: expect.stringContaining(message) }] },
  })

const keyNeeded = (id: string) => keyMissing(`key ${id} is needed to read stored secrets`)
const keyForNewOnes = (id: string) => keyMissing(`key ${id} is the one for new secrets`)

async function requireReadable(fixture: KrownFixture, ids: readonly CredentialId[], masterKey: string) {
  const secrets = secretsWith(fixture.database, masterKey)
  const { orgId } = fixture.actors.admin
  for (const [i, id] of ids.entries()) {
    expect(await secrets.secretFor(orgId, id)).toEqual({ method: 'password', password: `stored ${i}` })
  }
}

describeOnBothDatabases('the master key', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('J10: a process without the key that is in use does not start, and names it', async () => {
    await using opened = await openTestDatabase()
    const refuseOthers = async (expected: unknown) => {
      for (const vault of [
        { masterKey: NEW },
        { masterKey: '' },
        { masterKey: '', previousMasterKeys: [NEW] },
      ]) {
        const refused = await refusalOf(createKrown(configFor(opened.place, { vault })))
        expect(refused).toEqual(expected)
        expect(JSON.stringify(refused)).not.toContain(NEW)
      }
    }
    await using first = await startKrown({ place: opened.place, ...withOld })
    await first.krown.close()
    // True to what is lost: nothing in the first case.
    await refuseOthers(keyForNewOnes(OLD_ID))
    await using second = await startKrown({ place: opened.place, ...withOld })
    await storeMany(second, 1)
    await second.krown.close()
    await refuseOthers(keyNeeded(OLD_ID))
    await using again = await createKrown(configFor(opened.place, withOld.config))
    await again.ready()
  })

  test('J10: of two processes that begin at once with different keys one is refused', async () => {
    await using opened = await openTestDatabase()
    const claim = async (masterKey: string) => {
      const keyring = new Keyring({ masterKey, previousMasterKeys: [] })
      const database = await opened.openAgain()
      await claimMasterKey({ database, keyring, clock: systemClock, logger: silentLogger })
    }
    const results = await Promise.allSettled([claim(OLD), claim(NEW)])
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const winner = results[0]?.status === 'fulfilled' ? OLD_ID : NEW_ID
    const [refused] = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
    expect(refused).toEqual(keyForNewOnes(winner))
  })

  test('J10: a new key that is given is not written with before the rotation', async () => {
    await using opened = await openTestDatabase()
    await using first = await startKrown({ place: opened.place, ...withOld })
    await storeMany(first, 2)
    await first.krown.close()
    const warnings: [object, string][] = []
    const logger = { ...silentLogger, warn: (...line: [object, string]) => void warnings.push(line) }
    await using fixture = await startKrown({ place: opened.place, ...withBoth, parts: { logger } })
    expect(warnings).toEqual([[{ masterKeyId: NEW_ID }, expect.stringContaining('keys rotate')]])
    await fixture.admin.credentials.create({ name: 'three', kind: 'password', password: 'x' })
    expect(await secretsByKey(fixture)).toEqual({ [OLD_ID]: 3 })
    expect(await rotate(fixture, { to: NEW, previous: [OLD] })).toBe(3)
    await fixture.admin.credentials.create({ name: 'four', kind: 'password', password: 'x' })
    expect(await secretsByKey(fixture)).toEqual({ [NEW_ID]: 4 })
    expect(await fixture.entries({ action: 'master_key.rotated' })).toMatchObject([
      { facts: { from: OLD_ID, to: NEW_ID }, actorKind: 'system' },
    ])
    expect(await fixture.admin.journal.verify()).toMatchObject({ ok: true })
  })

  test('J10: a rotation that dies half-way leaves everything readable, and goes on when it is run again', async () => {
    await using opened = await openTestDatabase()
    await using first = await startKrown({ place: opened.place, ...withOld })
    const ids = await storeMany(first, MANY)
    await first.krown.close()
    await using fixture = await startKrown({ place: opened.place, ...withBoth })
    const died = new Error('died')
    const onProgress = () => {
      throw died
    }
    await expect(rotate(fixture, { to: NEW, previous: [OLD], onProgress })).rejects.toBe(died)
    expect(await secretsByKey(fixture)).toEqual({ [OLD_ID]: MANY - 100, [NEW_ID]: 100 })
    const secrets = secretsWith(fixture.database, NEW, [OLD])
    const { orgId } = fixture.actors.admin
    for (const id of ids) expect(await secrets.secretFor(orgId, id)).toMatchObject({ method: 'password' })
    await fixture.krown.close()
    const halfWay = (masterKey: string) => createKrown(configFor(opened.place, { vault: { masterKey } }))
    expect(await refusalOf(halfWay(NEW))).toEqual(keyNeeded(OLD_ID))
    expect(await refusalOf(halfWay(OLD))).toEqual(keyNeeded(NEW_ID))

    await using resumed = await startKrown({ place: opened.place, ...withBoth })
    expect(await rotate(resumed, { to: NEW, previous: [OLD] })).toBe(MANY - 100)
    expect(await secretsByKey(resumed)).toEqual({ [NEW_ID]: MANY })
    await requireReadable(resumed, ids, NEW)
    expect(await rotate(resumed, { to: NEW, previous: [OLD] })).toBe(0)
  })

  test('J10: secrets are read, stored and replaced while keys are rotated, and none stays behind', async () => {
    await using fixture = await start({ config: { vault: { masterKey: OLD, previousMasterKeys: [NEW] } } })
    const ids = await storeMany(fixture, MANY)
    const secrets = secretsWith(fixture.database, OLD, [NEW])
    const { orgId } = fixture.actors.admin
    const { credentials } = fixture.admin
    let isOver = false
    let turns = 0
    const working = (async () => {
      for (; !isOver; turns += 1) {
        const id = ids[(turns * 7) % MANY] as CredentialId
        const password = `replaced ${turns}`
        await credentials.create({ name: `during ${turns}`, kind: 'password', password })
        await credentials.update(id, { password })
        expect(await secrets.secretFor(orgId, id)).toEqual({ method: 'password', password })
      }
    })()
    await rotate(fixture, { to: NEW, previous: [OLD] })
    isOver = true
    await working
    expect(await secretsByKey(fixture)).toEqual({ [NEW_ID]: MANY + turns })
    const page = await credentials.list({ limit: 200 })
    const onlyNew = secretsWith(fixture.database, NEW)
    for (const { id } of page.items) {
      expect(await onlyNew.secretFor(orgId, id)).toMatchObject({ method: 'password' })
    }
  })

  test('J10: sessions are opened with stored credentials while keys are rotated', async () => {
    await using fixture = await start({ config: { vault: { masterKey: OLD, previousMasterKeys: [NEW] } } })
    const server = await startLocalSshServer()
    try {
      await storeMany(fixture, MANY)
      const { host, port, username, password } = server
      const input = { name: 'of the target', kind: 'password', password } as const
      const { id: credentialId } = await fixture.admin.credentials.create(input)
      await fixture.admin.targets.create({ name: 'web1', host, port, username, credentialId })
      const open = async () => {
        await using session = await fixture.operator.sessions.open({ targetName: 'web1' })
        return session.session.status
      }
      let opened = Promise.resolve('')
      const onProgress = () => {
        opened = opened.then(open)
      }
      expect(await open()).toBe('connected')
      await rotate(fixture, { to: NEW, previous: [OLD], onProgress })
      expect(await opened).toBe('connected')
      expect(await open()).toBe('connected')
      expect(await secretsByKey(fixture)).toEqual({ [NEW_ID]: MANY + 1 })
    } finally {
      await server.stop()
    }
  })

  test('J10: a process that lacks the key of a rotation elsewhere stores nothing and says which it lacks', async () => {
    await using fixture = await start(withOld)
    const [id] = await storeMany(fixture, 1)
    await rotate(fixture, { to: NEW, previous: [OLD] })
    const { credentials } = fixture.admin
    const lacks = { code: 'CONFLICT', details: { masterKeyId: NEW_ID } }
    const storing = credentials.create({ name: 'late', kind: 'password', password: 'x' })
    expect(await refusalOf(storing)).toMatchObject(lacks)
    const secrets = secretsWith(fixture.database, OLD)
    const reading = secrets.secretFor(fixture.actors.admin.orgId, id as CredentialId)
    expect(await refusalOf(reading)).toMatchObject(lacks)
    expect(await secretsByKey(fixture)).toEqual({ [NEW_ID]: 1 })
  })

  test('J10: of two rotations to different keys one wins, and its key encrypts everything', async () => {
    await using fixture = await start(withOld)
    await storeMany(fixture, MANY)
    const results = await Promise.allSettled([
      rotate(fixture, { to: NEW, previous: [OLD, OTHER] }),
      rotate(fixture, { to: OTHER, previous: [OLD, NEW] }),
    ])
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    expect(lost.filter((code) => code !== 'CONFLICT')).toEqual([])
    // Whoever is run once more finishes it.
    await rotate(fixture, { to: NEW, previous: [OLD, OTHER] })
    expect(await secretsByKey(fixture)).toEqual({ [NEW_ID]: MANY })
  })

  test('a secret that nobody can decrypt stops a rotation, which names its credential', async () => {
    await using fixture = await start(withOld)
    const [damaged, good] = await storeMany(fixture, 2)
    const { secret } = await fixture.db
      .selectFrom('credentials')
      .select('secret')
      .where('id', '=', good as CredentialId)
      .executeTakeFirstOrThrow()
    await fixture.db
      .updateTable('credentials')
      .set({ secret })
      .where('id', '=', damaged as CredentialId)
      .execute()
    const refused = await refusalOf(rotate(fixture, { to: NEW, previous: [OLD] }))
    expect(refused).toMatchObject({ code: 'INTERNAL', message: expect.stringContaining(String(damaged)) })
  })

  test('what only a lost key could decrypt is given up, journaled, and then the next process starts', async () => {
    await using opened = await openTestDatabase()
    await using first = await startKrown({ place: opened.place, ...withOld })
    const [credentialId] = await storeMany(first, 2)
    const target = { name: 'web1', host: 'web1.example.com', username: 'root', probe: false }
    const { id } = await first.admin.targets.create({ ...target, credentialId })
    const admin = (vault: { masterKey: string }) =>
      openKrownAdmin(parseConfig(configFor(opened.place, { vault })))
    await using careless = await admin({ masterKey: OLD })
    expect(await refusalOf(careless.forgetMasterKey(OLD_ID))).toMatchObject({ code: 'CONFLICT' })
    await first.krown.close()

    await using machine = await admin({ masterKey: NEW })
    expect(await machine.forgetMasterKey(OLD_ID)).toBe(2)
    expect(await machine.rotateMasterKey()).toBe(0)
    await using fixture = await startKrown({ place: opened.place, config: { vault: { masterKey: NEW } } })
    expect((await fixture.admin.credentials.list()).items).toEqual([])
    expect(await fixture.admin.targets.get(id)).toMatchObject({ name: 'web1', credentialId: null })
    const facts = { kind: 'password', lostMasterKey: OLD_ID }
    expect(await fixture.entries({ action: 'credential.deleted' })).toMatchObject([{ facts }, { facts }])
  })

  test('a key that encrypts nothing and was lost is left behind by a rotation', async () => {
    await using opened = await openTestDatabase()
    await using first = await startKrown({ place: opened.place, ...withOld })
    await first.krown.close()
    expect(await rotate(first, { to: NEW, previous: [] })).toBe(0)
    await using krown = await createKrown(configFor(opened.place, { vault: { masterKey: NEW } }))
    await krown.ready()
  })
})
