import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { Db } from '../../../src/db/database.js'
import { isUniqueViolation } from '../../../src/db/db-errors.js'
import { insertPins, listPinsFor } from '../../../src/db/repositories/host-key.repository.js'
import {
  beatHeart,
  deleteNodes,
  insertNode,
  listLivingNodes,
} from '../../../src/db/repositories/node.repository.js'
import type { KnownHostKeysTable } from '../../../src/db/tables/inventory.table.js'
import type { HostKeyId, NodeId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { type SeededOrg, seedOrg } from './seed.js'

function pinRow(org: SeededOrg, given: Partial<KnownHostKeysTable>): KnownHostKeysTable {
  return {
    id: newId<HostKeyId>(),
    org_id: org.orgId,
    user_scope: org.alice,
    host_kind: 'exact',
    host: 'db.example.com',
    port: 22,
    via: '',
    algorithm: 'ssh-ed25519',
    fingerprint: 'SHA256:one',
    mark: 'trusted',
    source: 'first_use',
    reason: null,
    pinned_by: org.alice,
    created_at: 1,
    ...given,
  }
}

const pin = (db: Db, org: SeededOrg, row: KnownHostKeysTable) =>
  db.transaction().execute((trx) => insertPins(trx, org.orgId, [row]))

describeOnBothDatabases('host keys', (openTestDatabase) => {
  test("a user sees the organization's pins and their own, for this host and port", async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const [org, other] = [await seedOrg(opened.database), await seedOrg(opened.database)]
    const own = pinRow(org, {})
    const ofOrg = pinRow(org, { user_scope: '', fingerprint: 'SHA256:org', source: 'admin' })
    for (const row of [
      own,
      ofOrg,
      pinRow(org, { user_scope: org.bob }),
      pinRow(org, { host: 'db.example.com.evil' }),
      pinRow(org, { port: 2222 }),
      pinRow(other, { user_scope: org.alice }),
    ])
      await pin(db, org, row)
    const pins = await listPinsFor(db, org.orgId, {
      host: 'db.example.com',
      port: 22,
      via: null,
      userId: org.alice,
      fingerprint: 'SHA256:one',
    })
    expect(pins).toHaveLength(2)
    expect(pins).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          id: own.id,
          userId: org.alice,
          fingerprint: 'SHA256:one',
          source: 'first_use',
        }),
        expect.objectContaining({ id: ofOrg.id, userId: null, fingerprint: 'SHA256:org', source: 'admin' }),
      ]),
    )
  })

  test('one key is pinned once for one host and scope', async () => {
    await using opened = await openTestDatabase()
    const org = await seedOrg(opened.database)
    await pin(opened.database.db, org, pinRow(org, {}))
    const again = await pin(opened.database.db, org, pinRow(org, {})).catch((error: unknown) => error)
    expect(isUniqueViolation(again)).toBe(true)
  })
})

describeOnBothDatabases('nodes', (openTestDatabase) => {
  test('a node lives while its heart beats, and a beat tells when the row is gone', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const [early, late] = [newId<NodeId>(), newId<NodeId>()]
    await insertNode(db, early, 1_000)
    await insertNode(db, late, 2_000)
    expect(await listLivingNodes(db, 1_500)).toEqual([late])
    expect(await beatHeart(db, early, 3_000)).toBe(true)
    expect((await listLivingNodes(db, 1_500)).sort()).toEqual([early, late].sort())
    await deleteNodes(db, { heartbeatBefore: 2_000 })
    expect(await listLivingNodes(db, 0)).toEqual([early])
    expect(await beatHeart(db, late, 4_000)).toBe(false)
    await deleteNodes(db, { id: early })
    expect(await listLivingNodes(db, 0)).toEqual([])
  })
})
