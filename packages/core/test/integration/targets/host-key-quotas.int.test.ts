import { startHostileSshServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { KnownHostKeysTable } from '../../../src/db/tables/inventory.table.js'
import type { HostKeyId } from '../../../src/model/ids.js'
import type { KrownClient } from '../../../src/model/krown-client.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { type KrownFixture, krownStarter, refusalOf } from '../../support/krown-fixture.js'

const fingerprintOf = (place: number) => `SHA256:${String(place).padStart(43, 'A')}`

/** As many pins of the operator, each of another host. */
async function fillPinsOfOperator({ db, actors }: KrownFixture, count: number) {
  const { orgId, userId } = actors.operator
  const rows = Array.from(
    { length: count },
    (_, place): KnownHostKeysTable => ({
      id: newId<HostKeyId>(),
      org_id: orgId,
      user_scope: userId,
      host_kind: 'exact',
      host: `h${place}.example.com`,
      port: 22,
      via: '',
      algorithm: 'ssh-ed25519',
      fingerprint: fingerprintOf(place),
      mark: 'trusted',
      source: 'first_use',
      reason: null,
      pinned_by: userId,
      created_at: 0,
    }),
  )
  await db.insertInto('known_host_keys').values(rows).execute()
}

const pinMany = async ({ hostKeys }: KrownClient, scope: 'user' | 'organization', count: number) => {
  for (let place = 0; place < count; place += 1)
    await hostKeys.create({ host: 'web1', fingerprint: fingerprintOf(place), scope })
}

describeOnBothDatabases('pins of host keys', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test.each(['user', 'organization'] as const)(
    'are at most 32 of one host in the scope %s, of which all may be replaced',
    async (scope) => {
      await using fixture = await start()
      const client = scope === 'user' ? fixture.operator : fixture.admin
      const { hostKeys } = client
      await pinMany(client, scope, 32)
      const more = { host: 'web1', fingerprint: fingerprintOf(32), scope }
      expect(await refusalOf(hostKeys.create(more))).toMatchObject({
        code: 'QUOTA_EXCEEDED',
        details: { limit: 32 },
      })
      // Known already, another port, and another scope are no more of the same.
      await hostKeys.create({ ...more, fingerprint: fingerprintOf(3) })
      await hostKeys.create({ ...more, port: 2222 })
      await fixture.admin.hostKeys.create({ ...more, port: 2223, scope: 'organization' })
      await hostKeys.create({ ...more, replace: true, reason: 'rebuilt' })
      const { items } = await hostKeys.list({ host: 'web1', limit: 200 })
      expect(items.filter(({ port }) => port === 22).map(({ fingerprint }) => fingerprint)).toEqual([
        more.fingerprint,
      ])
    },
  )

  test('of a key that leaked there is always room for the organization, and none to trust it again', async () => {
    await using fixture = await start()
    const { hostKeys } = fixture.admin
    await pinMany(fixture.admin, 'organization', 32)
    const leaked = {
      host: 'web1',
      fingerprint: fingerprintOf(32),
      mark: 'revoked',
      reason: 'leaked',
    } as const
    const { id } = await hostKeys.create(leaked)
    expect(await refusalOf(hostKeys.update(id, { mark: 'trusted', reason: 'found' }))).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      details: { limit: 32 },
    })
    expect(await hostKeys.get(id)).toMatchObject({ mark: 'revoked' })
  })

  test('are at most 1,000 of one user, those of first use among them; nothing is sent to one host more', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await start()
    await fillPinsOfOperator(fixture, 1_000)
    const full = { code: 'QUOTA_EXCEEDED', details: { limit: 1_000 } }
    const more = { host: 'more.example.com', fingerprint: fingerprintOf(0), scope: 'user' } as const
    expect(await refusalOf(fixture.operator.hostKeys.create(more))).toMatchObject(full)
    expect(await refusalOf(fixture.operator.hostKeys.create({ ...more, mark: 'revoked' }))).toMatchObject(
      full,
    )
    expect(await refusalOf(fixture.open(target))).toMatchObject(full)
    expect(target.authAttempts).toEqual([])
    // Everybody has room of their own.
    expect((await fixture.open(target, { person: 'otherOperator' })).session).toMatchObject({
      hostKeyNewlyPinned: true,
    })
  })
})
