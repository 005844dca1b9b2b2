import { startHostileSshServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import { raiseInventoryRevision } from '../../../src/db/repositories/inventory-revision.repository.js'
import { knownHostsName } from '../../../src/targets/host-keys/host-pattern.js'
import { TrustedPatterns } from '../../../src/targets/host-keys/trusted-patterns.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { krownStarter, refusalOf } from '../../support/krown-fixture.js'
import { recordStatements } from '../db/recording.js'
import { makeKey } from './known-host-keys-fixture.js'

describeOnBothDatabases('patterns of known_hosts', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('count as they are now, whatever was known of them before', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    const { hostKeys } = fixture.admin
    const place = { host: target.host, port: target.port }
    const standing = async () => (await hostKeys.probe(place)).standing
    const idOf = async (pattern: string) => {
      const found = (await hostKeys.list()).items.find(({ host }) => host === pattern)
      if (!found) throw new Error(`${pattern} is not there`)
      return found.id
    }
    expect(await standing()).toBe('unknown')
    const pattern = `[127.0.*]:${target.port}`
    await hostKeys.import({ text: `${pattern} ${makeKey().text}` })
    expect(await standing()).toBe('changed')
    expect(await refusalOf(fixture.open(target))).toMatchObject({ code: 'HOST_KEY_MISMATCH' })
    await hostKeys.delete(await idOf(pattern))
    expect(await standing()).toBe('unknown')
    const other = `[127.?.*]:${target.port}`
    await hostKeys.import({ text: `${other} ${makeKey().text}` })
    expect(await standing()).toBe('changed')
    await hostKeys.import({ text: `@revoked ${other} ${makeKey().text}` })
    expect(await standing()).toBe('changed')
    await hostKeys.delete(await idOf(other))
    await hostKeys.delete(await idOf(other))
    expect(await standing()).toBe('unknown')
  })

  test('are read once: until something changes, an unknown key asks for no more than the revision', async () => {
    await using fixture = await start()
    const { orgId } = fixture.actors.admin
    const patterns = new TrustedPatterns()
    const ask = (host: string) =>
      recordStatements(fixture.database, async (db) => {
        await patterns.meaning(db, orgId, knownHostsName(host, 22))
      })
    await fixture.admin.hostKeys.import({ text: `*.example.com ${makeKey().text}` })
    expect(await ask('a.example.com')).toHaveLength(2)
    expect(await ask('b.example.com')).toHaveLength(1)
    await fixture.admin.hostKeys.import({ text: `*.example.org ${makeKey().text}` })
    expect(await ask('a.example.org')).toHaveLength(2)
    const found = await patterns.meaning(fixture.db, orgId, 'a.example.org')
    expect(found).toMatchObject([{ host: '*.example.org', mark: 'trusted' }])
  })

  test('that a transaction sees are not kept: it may come to nothing', async () => {
    await using fixture = await start()
    const { orgId } = fixture.actors.admin
    const patterns = new TrustedPatterns()
    await fixture.admin.hostKeys.import({ text: `*.example.com ${makeKey().text}` })
    const undone = fixture.db.transaction().execute(async (trx) => {
      await trx.deleteFrom('known_host_keys').where('org_id', '=', orgId).execute()
      await raiseInventoryRevision(trx, orgId)
      expect(await patterns.meaning(trx, orgId, 'a.example.com')).toEqual([])
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    await fixture.db.transaction().execute((trx) => raiseInventoryRevision(trx, orgId))
    expect(await patterns.meaning(fixture.db, orgId, 'a.example.com')).toHaveLength(1)
  })
})
