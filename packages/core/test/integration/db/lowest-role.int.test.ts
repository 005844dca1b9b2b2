import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { startKrown } from '../../support/krown-fixture.js'

describeOnBothDatabases('a member of whose role nothing was said', (openTestDatabase) => {
  test('T11: has the one that may least, and no other text is one', async () => {
    await using opened = await openTestDatabase()
    await using fixture = await startKrown({ place: opened.place })
    const { db } = fixture
    const organization = { id: newId(), slug: 'other', name: 'Other', created_at: 0 }
    await db
      .insertInto('organizations')
      .values(organization as never)
      .execute()
    const { userId } = fixture.actors.operator
    const silent = { org_id: organization.id, user_id: userId, created_at: 0 }
    await db
      .insertInto('memberships')
      .values(silent as never)
      .execute()
    const joined = db
      .selectFrom('memberships')
      .selectAll()
      .where('org_id', '=', organization.id as never)
    expect(await joined.execute()).toMatchObject([{ role: 'readonly', audit_scope: 'own' }])
    const raise = db
      .updateTable('memberships')
      .set({ role: 'root' as never })
      .where('user_id', '=', userId)
    await expect(raise.execute()).rejects.toThrow('memberships_role_must_be_known')
  })
})
