import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { Database } from '../../../src/db/database.js'
import {
  advanceHeadQuery,
  type EntryFilter,
  findHashAt,
  findHead,
  insertEntriesQuery,
  insertHead,
  listEntries,
  listEntriesForward,
  lockHead,
} from '../../../src/db/repositories/journal.repository.js'
import type { JournalEntriesTable } from '../../../src/db/tables/journal.table.js'
import type { JournalEntryId, OrgId, UserId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'

function entryRow(orgId: OrgId, seq: number, given: Partial<JournalEntriesTable> = {}): JournalEntriesTable {
  return {
    org_id: orgId,
    seq,
    id: newId<JournalEntryId>(),
    at: seq,
    action: 'session.opened',
    outcome: 'success',
    actor_user_id: null,
    resource_id: null,
    text: '{}',
    details: '{}',
    salt: '00',
    prev_hash: `hash ${seq - 1}`,
    hash: `hash ${seq}`,
    ...given,
  }
}

const insert = ({ db }: Database, orgId: OrgId, rows: JournalEntriesTable[]) =>
  insertEntriesQuery(db, orgId, rows).execute()

describeOnBothDatabases('journal rows', (openTestDatabase) => {
  test('are read newest first for people and oldest first for verification, one organization at a time', async () => {
    await using opened = await openTestDatabase()
    const { database } = opened
    const [orgId, other] = [newId<OrgId>(), newId<OrgId>()]
    await insert(
      database,
      orgId,
      [1, 2, 3, 4, 5].map((seq) => entryRow(orgId, seq)),
    )
    await insert(database, other, [entryRow(other, 1)])
    const seqs = (rows: readonly { seq: number }[]) => rows.map(({ seq }) => seq)
    const { db } = database
    expect(seqs(await listEntries(db, orgId, { filter: {}, limit: 2 }))).toEqual([5, 4])
    expect(seqs(await listEntries(db, orgId, { filter: {}, beforeSeq: 4, limit: 9 }))).toEqual([3, 2, 1])
    expect(seqs(await listEntriesForward(db, orgId, { afterSeq: 0, limit: 3 }))).toEqual([1, 2, 3])
    expect(seqs(await listEntriesForward(db, orgId, { afterSeq: 3, limit: 3 }))).toEqual([4, 5])
    expect(seqs(await listEntries(db, other, { filter: {}, limit: 9 }))).toEqual([1])
    expect(await findHashAt(db, orgId, 3)).toBe('hash 3')
    expect(await findHashAt(db, other, 3)).toBeUndefined()
  })

  test('a number is taken once in each organization', async () => {
    await using opened = await openTestDatabase()
    const orgId = newId<OrgId>()
    await insert(opened.database, orgId, [entryRow(orgId, 1)])
    await expect(insert(opened.database, orgId, [entryRow(orgId, 1)])).rejects.toMatchObject({
      name: 'ConstraintError',
      isUnique: true,
    })
  })

  test('every filter narrows the list, alone and together', async () => {
    await using opened = await openTestDatabase()
    const orgId = newId<OrgId>()
    const alice = newId<UserId>()
    await insert(opened.database, orgId, [
      entryRow(orgId, 1),
      entryRow(orgId, 2, { action: 'login.failed', outcome: 'denied' }),
      entryRow(orgId, 3, { actor_user_id: alice }),
      entryRow(orgId, 4, { resource_id: 'r1', actor_user_id: alice, outcome: 'failure' }),
    ])
    const list = async (filter: EntryFilter) =>
      (await listEntries(opened.database.db, orgId, { filter, limit: 9 })).map(({ seq }) => seq)
    expect(await list({ action: 'login.failed' })).toEqual([2])
    expect(await list({ outcome: 'denied' })).toEqual([2])
    expect(await list({ actorUserId: alice })).toEqual([4, 3])
    expect(await list({ resourceId: 'r1' })).toEqual([4])
    expect(await list({ actorUserId: alice, outcome: 'success' })).toEqual([3])
    expect(await list({ search: 'LOGIN' })).toEqual([2])
  })

  test.each([
    ['50%', [1]],
    ['a_b', [2]],
    ['C:\\tmp', [3]],
    ['"quoted"', [4]],
    ['line\nbreak', [5]],
    ['ÅNGSTRÖM', [6]],
    ['erased', []],
  ])('a search finds %j in details as it was written', async (search, found) => {
    await using opened = await openTestDatabase()
    const orgId = newId<OrgId>()
    const commands = ['50% off', 'a_b', 'C:\\tmp', 'say "quoted"', 'line\nbreak', 'Ångström']
    const rows = commands.map((command, at) =>
      entryRow(orgId, at + 1, { details: JSON.stringify({ command }) }),
    )
    await insert(opened.database, orgId, [...rows, entryRow(orgId, 7, { details: null, salt: null })])
    const entries = await listEntries(opened.database.db, orgId, { filter: { search }, limit: 9 })
    expect(entries.map(({ seq }) => seq)).toEqual(found)
  })

  test('the head moves only from where it is believed to be', async () => {
    await using opened = await openTestDatabase()
    const { db, kind } = opened.database
    const orgId = newId<OrgId>()
    await insertHead(db, orgId, { seq: 0, hash: 'a' })
    await insertHead(db, orgId, { seq: 9, hash: 'z' })
    expect(await findHead(db, orgId)).toEqual({ seq: 0, hash: 'a' })
    const move = async (from: { seq: number; hash: string }, to: { seq: number; hash: string }) =>
      (await advanceHeadQuery(db, orgId, { from, to }).executeTakeFirstOrThrow()).numUpdatedRows
    expect(await move({ seq: 0, hash: 'b' }, { seq: 1, hash: 'c' })).toBe(0n)
    expect(await move({ seq: 1, hash: 'a' }, { seq: 2, hash: 'c' })).toBe(0n)
    expect(await move({ seq: 0, hash: 'a' }, { seq: 1, hash: 'c' })).toBe(1n)
    const locked = await db.transaction().execute((trx) => lockHead(trx, orgId, kind))
    expect(locked).toEqual({ seq: 1, hash: 'c' })
    expect(await findHead(db, newId<OrgId>())).toBeUndefined()
  })
})
