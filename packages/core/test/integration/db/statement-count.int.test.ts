import { expect, test } from 'vitest'
import type { Caller } from '../../../src/auth/gate/gate.js'
import { systemClock } from '../../../src/base/clock.js'
import type { Db } from '../../../src/db/database.js'
import { listAccessRules } from '../../../src/db/repositories/access-rule.repository.js'
import { listApiTokens } from '../../../src/db/repositories/api-token.repository.js'
import { listCommands } from '../../../src/db/repositories/command.repository.js'
import { listHostKeys } from '../../../src/db/repositories/host-key.repository.js'
import { listEntries } from '../../../src/db/repositories/journal.repository.js'
import { listSessions } from '../../../src/db/repositories/session.repository.js'
import { listPeople } from '../../../src/db/repositories/user.repository.js'
import { AccessSnapshots } from '../../../src/targets/access-rules/access-snapshots.js'
import { RuleBooks } from '../../../src/targets/access-rules/rule-books.js'
import type { TargetAccess } from '../../../src/targets/access-rules/target-access.js'
import { InventoryIndex } from '../../../src/targets/index/inventory-index.js'
import { TargetReader } from '../../../src/targets/inventory/target-reader.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { fillTables } from './filled-tables.js'
import { recordStatements } from './recording.js'
import type { SeededOrg } from './seed.js'

/** Gives back how many items it read. */
type List = (db: Db, org: SeededOrg, limit: number) => Promise<number>

const LISTS: [string, List][] = [
  [
    'sessions',
    async (db, { orgId }, limit) =>
      (await listSessions(db, orgId, { query: { limit }, owner: undefined })).items.length,
  ],
  [
    'commands',
    async (db, { orgId }, limit) =>
      (await listCommands(db, orgId, { query: { limit, search: 'up' }, owner: undefined })).items.length,
  ],
  [
    'API tokens',
    async (db, { orgId, alice }, limit) =>
      (await listApiTokens(db, orgId, { userId: alice, query: { limit } })).items.length,
  ],
  [
    'host keys',
    async (db, { orgId }, limit) =>
      (await listHostKeys(db, orgId, { query: { limit }, owner: undefined })).items.length,
  ],
  [
    'access rules',
    async (db, { orgId }, limit) => (await listAccessRules(db, orgId, { limit })).items.length,
  ],
  ['people', async (db, { orgId }, limit) => (await listPeople(db, orgId, { limit })).items.length],
  [
    'journal entries',
    async (db, { orgId }, limit) => (await listEntries(db, orgId, { filter: {}, limit })).length,
  ],
]

const ofEverybody = { visibleTo: () => () => true } as unknown as TargetAccess

describeOnBothDatabases('a page of any size', (openTestDatabase) => {
  test('takes one statement', async () => {
    await using opened = await openTestDatabase()
    const org = await fillTables(opened.database, 30)
    for (const [name, list] of LISTS) {
      for (const limit of [1, 10, 25]) {
        const statements = await recordStatements(opened.database, async (db) => {
          expect(await list(db, org, limit)).toBe(limit)
        })
        expect(statements, name).toHaveLength(1)
      }
    }
  })

  test('of targets takes two, and after a change one more for each 2,000 targets and 1,000 rules', async () => {
    await using opened = await openTestDatabase()
    const org = await fillTables(opened.database, 30)
    const subject = { userId: org.alice, role: 'admin', auditScope: 'none' } as const
    const caller = { actor: { orgId: org.orgId }, subject } as unknown as Caller
    const list = async (db: Db, snapshots: AccessSnapshots, limit: number) => {
      const reader = new TargetReader({ db, snapshots, access: ofEverybody })
      expect((await reader.list(caller, { limit, selector: 'host:h*' })).items).toHaveLength(limit)
    }
    for (const limit of [1, 10, 25]) {
      const statements = await recordStatements(opened.database, async (db) => {
        const [targets, rules] = [new InventoryIndex({ db }), new RuleBooks({ db })]
        const snapshots = new AccessSnapshots({ db, targets, rules, clock: systemClock })
        await list(db, snapshots, limit)
        await list(db, snapshots, limit)
      })
      expect(statements).toHaveLength(4 + 2)
    }
  })
})
