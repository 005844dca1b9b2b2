import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import { findHead } from '../../../src/db/repositories/journal.repository.js'
import type { OrgId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { DatabaseProcess } from '../db/database-process.js'
import { draft } from './drafts.js'
import { factsOf, journalOver, requireWhole } from './journal-fixture.js'

describeOnBothDatabases('several writers of one chain', (openTestDatabase, kind) => {
  test('a journal goes on where another process left off, also when it believes to know the head', async () => {
    await using opened = await openTestDatabase()
    const journals = [journalOver(opened.database), journalOver(await opened.openAgain())]
    const orgId = newId<OrgId>()
    for (let turn = 0; turn < 9; turn += 1) {
      // 0 0 1 1 0 0 …: each knows the head once and is mistaken once.
      const journal = journals[Math.floor(turn / 2) % 2]
      await journal?.append(orgId, [draft({ facts: { turn } })])
    }
    expect(await factsOf(opened.database, orgId)).toEqual(Array.from({ length: 9 }, (_, turn) => ({ turn })))
    await requireWhole(opened.database, orgId, 9)
  })

  test('a chain whose end was cut away is not gone on with', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const journal = journalOver(opened.database)
    const orgId = newId<OrgId>()
    for (let turn = 0; turn < 5; turn += 1) await journal.append(orgId, [draft()])
    const entries = db.selectFrom('journal_entries').select(['seq', 'hash']).where('org_id', '=', orgId)
    const { seq, hash } = await entries.where('seq', '=', 2).executeTakeFirstOrThrow()
    await db.deleteFrom('journal_entries').where('org_id', '=', orgId).where('seq', '>', seq).execute()
    await db.updateTable('journal_heads').set({ seq, hash }).where('org_id', '=', orgId).execute()
    const refused = { code: 'AUDIT_UNAVAILABLE', message: expect.stringContaining('are gone') }
    await expect(journal.append(orgId, [draft()])).rejects.toMatchObject(refused)
    const work = journal.transact(
      orgId,
      async () => 1,
      () => [draft()],
    )
    await expect(work).rejects.toMatchObject(refused)
    expect((await entries.execute()).map((entry) => entry.seq).sort()).toEqual([1, 2])
  })

  test('statements and work of two journals at once make one chain', async () => {
    await using opened = await openTestDatabase()
    const journals = [journalOver(opened.database), journalOver(await opened.openAgain())]
    const orgId = newId<OrgId>()
    await Promise.all(
      journals.flatMap((journal) =>
        Array.from({ length: 60 }, (_, turn) =>
          turn % 4 === 0
            ? journal.transact(
                orgId,
                async () => turn,
                () => [draft()],
              )
            : journal.append(orgId, [draft()]),
        ),
      ),
    )
    await requireWhole(opened.database, orgId, 120)
  })

  test('G04: two processes that append at once make one chain without fork or gap', async () => {
    await using opened = await openTestDatabase()
    const orgId = newId<OrgId>()
    const entries = kind === 'postgres' ? 2_000 : 500
    const order = { act: 'append' as const, place: opened.place, orgId, entries, inFlight: 8 }
    await using one = new DatabaseProcess(order)
    await using other = new DatabaseProcess(order)
    for (const each of [one, other]) expect(await each.ready()).toEqual({ kind: 'ready' })
    for (const each of [one, other]) each.go()
    for (const each of [one, other]) expect(await each.outcome()).toEqual({ kind: 'done' })
    await requireWhole(opened.database, orgId, 2 * entries)
    const writers = await opened.database.db
      .selectFrom('journal_entries')
      .select((eb) => ['details', eb.fn.countAll<number>().as('n')])
      .groupBy('details')
      .execute()
    expect(writers.map(({ n }) => n)).toEqual([entries, entries])
  })

  test('G05: a head that does not fit the entries stops appends and is not repaired on the way', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const orgId = newId<OrgId>()
    await journalOver(opened.database).append(orgId, [draft(), draft(), draft()])
    const head = await findHead(db, orgId)
    const refused = { code: 'AUDIT_UNAVAILABLE' }
    const tampered = [
      { seq: 4, hash: 'f'.repeat(64) },
      { seq: 3, hash: 'f'.repeat(64) },
      { seq: 2, hash: 'f'.repeat(64) },
      { seq: 0, hash: '0'.repeat(64) },
    ]
    for (const set of tampered) {
      await db.updateTable('journal_heads').set(set).where('org_id', '=', orgId).execute()
      const journal = journalOver(opened.database)
      await expect(journal.append(orgId, [draft()])).rejects.toMatchObject(refused)
      await expect(
        journal.transact(
          orgId,
          async () => 1,
          () => [draft()],
        ),
      ).rejects.toMatchObject(refused)
    }
    await db.deleteFrom('journal_heads').where('org_id', '=', orgId).execute()
    await expect(journalOver(opened.database).append(orgId, [draft()])).rejects.toMatchObject(refused)
    await db.deleteFrom('journal_heads').where('org_id', '=', orgId).execute()
    await db
      .insertInto('journal_heads')
      .values({ org_id: orgId, seq: 3, hash: head?.hash ?? '' })
      .execute()
    await journalOver(opened.database).append(orgId, [draft()])
    await requireWhole(opened.database, orgId, 4)
  })
})
