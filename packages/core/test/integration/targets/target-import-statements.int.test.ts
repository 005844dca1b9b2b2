import { expect, test } from 'vitest'
import type { Gate } from '../../../src/auth/gate/gate.js'
import { systemClock } from '../../../src/base/clock.js'
import { newId } from '../../../src/base/ids.js'
import type { Database } from '../../../src/db/database.js'
import { Journal } from '../../../src/journal/journal.js'
import type { Actor } from '../../../src/model/actor.js'
import type { ImportTargetsInput } from '../../../src/model/target-import.js'
import { TargetImporter } from '../../../src/targets/inventory/target-import.js'
import { TargetWriter } from '../../../src/targets/inventory/target-writer.js'
import type { OutboundPolicy } from '../../../src/targets/outbound/outbound-policy.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { recordStatements } from '../db/recording.js'
import { type SeededOrg, seedOrg } from '../db/seed.js'

const BASTIONS = 100

/** A tenth of them are bastions, and the others behind those. */
const targetsWith = (more: object) =>
  Array.from({ length: 5 * BASTIONS }, (_, n) => ({
    ...{ name: `host-${n}`, host: `10.0.${n >> 8}.${n & 255}`, username: 'root', ...more },
    jump: n < BASTIONS ? null : `host-${n % BASTIONS}`,
  }))

/** How many statements it took, and what came of it. */
async function importInto(database: Database, org: SeededOrg, input: ImportTargetsInput) {
  const outcomes = new Map<string, number>()
  const statements = await recordStatements(database, async (db) => {
    const actor: Actor = { kind: 'external', userId: org.alice, orgId: org.orgId } as Actor
    const importer = new TargetImporter({
      gate: {
        run: (_: Actor, __: object, work: (caller: object) => unknown) =>
          work({ actor, subject: { userId: org.alice, role: 'admin', auditScope: 'org' } }),
      } as unknown as Gate,
      store: { db, journal: new Journal({ database: { ...database, db }, clock: systemClock, newId }) },
      plan: { outbound: { checkRequest: () => {} } as unknown as OutboundPolicy, newId },
      writer: new TargetWriter({ clock: systemClock, newId }),
      onChanged: () => {},
    })
    const { items } = await importer.import(actor, input)
    for (const { outcome } of items) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  })
  return { statements: statements.length, outcomes: Object.fromEntries(outcomes) }
}

describeOnBothDatabases('an import of 500 targets', (openTestDatabase) => {
  test('takes a few statements, and as few when all of them change', async () => {
    await using opened = await openTestDatabase()
    const { database } = opened
    const org = await seedOrg(database)
    const created = await importInto(database, org, { targets: targetsWith({}) })
    expect(created.outcomes).toEqual({ created: 500 })
    const updated = await importInto(database, org, { targets: targetsWith({ tags: ['web'], port: 2200 }) })
    expect(updated.outcomes).toEqual({ updated: 500 })
    const moved = targetsWith({ port: 22 }).map((target) => ({ ...target, jump: target.jump && 'host-0' }))
    const through = await importInto(database, org, { targets: moved.slice(1) })
    expect(through.outcomes.updated).toBe(499)
    const same = await importInto(database, org, { targets: moved.slice(1) })
    expect(same.outcomes).toEqual({ unchanged: 499 })
    for (const { statements } of [created, updated, through]) expect(statements).toBeLessThanOrEqual(12)
    expect(same.statements).toBeLessThanOrEqual(6)
  })
})
