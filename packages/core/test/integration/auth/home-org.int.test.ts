import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { OrgId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { codeOf, fixtureOpener } from './identity-fixture.js'

describeOnBothDatabases('the organization default', (openTestDatabase) => {
  const { open, openTwo } = fixtureOpener(openTestDatabase)

  test('several processes that start at once make it once, with its system actor', async () => {
    const { fixture, another } = await openTwo()
    await using _ = fixture
    const others = await Promise.all([another(), another(), another()])
    for (const { orgId } of others) expect(orgId).toBe(fixture.orgId)
    expect(await fixture.db.selectFrom('organizations').select('slug').execute()).toEqual([
      { slug: 'default' },
    ])
    expect(await fixture.db.selectFrom('memberships').select('role').execute()).toEqual([{ role: 'admin' }])
    expect(await fixture.entries('organization.created')).toMatchObject([{ resourceId: fixture.orgId }])
  })

  test('begins with one rule, which lets operators use every target; deleted, it does not come back', async () => {
    const { fixture, another } = await openTwo()
    await using _ = fixture
    await Promise.all([another(), another()])
    const rules = () => fixture.db.selectFrom('access_rules').selectAll().execute()
    expect(await rules()).toMatchObject([
      {
        org_id: fixture.orgId,
        subject_kind: 'role',
        subject_id: 'operator',
        selector: '*',
        verbs: 'exec shell transfer',
        remote_usernames: null,
        expires_at: null,
        granted_by: null,
      },
    ])
    await fixture.db.deleteFrom('access_rules').execute()
    await fixture.db.deleteFrom('memberships').execute()
    await another()
    expect(await fixture.entries('organization.created')).toHaveLength(2)
    expect(await rules()).toEqual([])
  })

  test('the system actor may do everything, and is in no list', async () => {
    await using fixture = await open()
    const system = await fixture.identity.systemActor()
    expect(await fixture.identity.subjects.subjectOf(system)).toMatchObject({ role: 'admin' })
    expect(await fixture.auth.me(system)).toMatchObject({ username: 'system' })
    expect(await fixture.users.list(system)).toEqual({ items: [], nextCursor: null })
  })

  test('nobody signs in as the system', async () => {
    await using fixture = await open()
    for (const username of ['system', '']) {
      expect(await codeOf(fixture.auth.login({ username, password: '' }, { clientIp: null }))).toBe(
        'UNAUTHENTICATED',
      )
    }
  })

  test('there is no system actor in an organization that does not exist', async () => {
    await using fixture = await open()
    expect(await codeOf(fixture.identity.systemActor(newId<OrgId>()))).toBe('NOT_FOUND')
  })
})
