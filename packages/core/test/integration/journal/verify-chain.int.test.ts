import type { Updateable } from 'kysely'
import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { Db } from '../../../src/db/database.js'
import { findHead } from '../../../src/db/repositories/journal.repository.js'
import type { JournalEntriesTable } from '../../../src/db/tables/journal.table.js'
import { GENESIS, hashLink, linkEntry, writeEntry } from '../../../src/journal/entry.js'
import { verifyChain } from '../../../src/journal/verify-chain.js'
import type { JournalEntryId, OrgId, UserId } from '../../../src/model/ids.js'
import type { ChainBreak } from '../../../src/model/journal.js'
import { describeOnBothDatabases, type OpenTestDatabase } from '../../support/databases.js'
import { draft } from './drafts.js'
import { entriesOf, journalOver } from './journal-fixture.js'

const ENTRIES = 9

async function openChain(openTestDatabase: OpenTestDatabase) {
  const opened = await openTestDatabase()
  const { database } = opened
  const orgId = newId<OrgId>()
  const journal = journalOver(database)
  for (let turn = 1; turn <= ENTRIES; turn += 1) {
    const resource = { kind: 'session', id: newId() }
    await journal.append(orgId, [draft({ resource, facts: { turn }, details: { command: `echo ${turn}` } })])
  }
  return {
    database,
    journal,
    orgId,
    db: database.db,
    verify: () => verifyChain(database.db, orgId),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}

interface Chain {
  readonly db: Db
  readonly orgId: OrgId
}

/** Changes one stored entry behind the journal's back. */
const tamper = ({ db, orgId }: Chain, seq: number, set: Updateable<JournalEntriesTable>) =>
  db.updateTable('journal_entries').set(set).where('org_id', '=', orgId).where('seq', '=', seq).execute()

const remove = ({ db, orgId }: Chain, seqs: readonly number[]) =>
  db.deleteFrom('journal_entries').where('org_id', '=', orgId).where('seq', 'in', seqs).execute()

/** Writes what stands at one place as somebody who knows the formula would, without the links after it. */
async function forge(chain: Chain, seq: number, text: string): Promise<void> {
  const { orgId } = chain
  const entries = await entriesOf(chain, orgId)
  const prevHash = entries[seq - 2]?.hash ?? GENESIS.hash
  await tamper(chain, seq, { text, hash: hashLink({ orgId, seq, prevHash, text }) })
}

const F64 = 'f'.repeat(64)

/** One stored value changed, and the break it must show as, at entry 5 of 9. */
const CHANGES: [string, Updateable<JournalEntriesTable>, ChainBreak][] = [
  ['text', { text: '{"v":1}' }, 'hash'],
  ['text, to nothing', { text: '' }, 'hash'],
  ['hash', { hash: F64 }, 'hash'],
  ['prev_hash', { prev_hash: F64 }, 'link'],
  ['id', { id: newId<JournalEntryId>() }, 'columns'],
  ['at', { at: 1 }, 'columns'],
  ['action', { action: 'test.other' }, 'columns'],
  ['outcome', { outcome: 'denied' }, 'columns'],
  ['actor_user_id', { actor_user_id: newId<UserId>() }, 'columns'],
  ['actor_user_id, to nobody', { actor_user_id: null }, 'columns'],
  ['resource_id', { resource_id: 'other' }, 'columns'],
  ['resource_id, to nothing', { resource_id: null }, 'columns'],
  ['details', { details: '{"command":"echo 6"}' }, 'details'],
  ['salt', { salt: '00' }, 'details'],
  ['details, erased without the salt', { details: null }, 'details'],
  ['salt, erased without the details', { salt: null }, 'details'],
]

describeOnBothDatabases('verification of a chain', (openTestDatabase) => {
  test('says what the chain is', async () => {
    await using chain = await openChain(openTestDatabase)
    const head = await findHead(chain.db, chain.orgId)
    expect(await chain.verify()).toEqual({
      orgId: chain.orgId,
      ok: true,
      entries: ENTRIES,
      erased: 0,
      headSeq: ENTRIES,
      headHash: head?.hash,
      firstBreak: null,
    })
  })

  test('finds a chain without entries whole', async () => {
    await using opened = await openTestDatabase()
    const orgId = newId<OrgId>()
    expect(await verifyChain(opened.database.db, orgId)).toEqual({
      orgId,
      ok: true,
      entries: 0,
      erased: 0,
      headSeq: 0,
      headHash: '0'.repeat(64),
      firstBreak: null,
    })
  })

  test.each(CHANGES)('G01: notices a changed %s and names the entry', async (_column, set, kind) => {
    await using chain = await openChain(openTestDatabase)
    await tamper(chain, 5, set)
    expect(await chain.verify()).toMatchObject({ ok: false, entries: 4, firstBreak: { seq: 5, kind } })
  })

  test.each([1, 5, 9])('G01: notices that entry %i was moved elsewhere', async (seq) => {
    await using chain = await openChain(openTestDatabase)
    await tamper(chain, seq, { seq: 77 })
    expect((await chain.verify()).firstBreak).toEqual({ seq, kind: 'gap' })
  })

  test('G01: notices an entry that belongs to another organization', async () => {
    await using chain = await openChain(openTestDatabase)
    const other = newId<OrgId>()
    await chain.journal.append(other, [draft()])
    await remove(chain, [1])
    await chain.db
      .updateTable('journal_entries')
      .set({ org_id: chain.orgId })
      .where('org_id', '=', other)
      .execute()
    expect((await chain.verify()).firstBreak).toEqual({ seq: 1, kind: 'hash' })
    expect((await verifyChain(chain.db, other)).firstBreak).toEqual({ seq: 1, kind: 'head' })
  })

  test.each([
    ['the first entry', [1], { seq: 1, kind: 'gap' }],
    ['an entry in between', [5], { seq: 5, kind: 'gap' }],
    ['several in between', [4, 5, 6], { seq: 4, kind: 'gap' }],
    ['the newest entry', [9], { seq: 9, kind: 'head' }],
    ['the newest entries', [7, 8, 9], { seq: 7, kind: 'head' }],
    ['every entry', [1, 2, 3, 4, 5, 6, 7, 8, 9], { seq: 1, kind: 'head' }],
  ])('G01: notices that %s was deleted', async (_what, seqs, firstBreak) => {
    await using chain = await openChain(openTestDatabase)
    await remove(chain, seqs)
    expect(await chain.verify()).toMatchObject({ ok: false, firstBreak })
  })

  test('G01: notices two entries that changed places', async () => {
    await using chain = await openChain(openTestDatabase)
    await tamper(chain, 4, { seq: 77 })
    await tamper(chain, 6, { seq: 4 })
    await tamper(chain, 77, { seq: 6 })
    expect((await chain.verify()).firstBreak).toEqual({ seq: 4, kind: 'link' })
  })

  test('G01: notices an entry that was put in, in between and at the end', async () => {
    await using chain = await openChain(openTestDatabase)
    const { database, db, orgId } = chain
    const entries = await entriesOf(database, orgId)
    const inserted = (prev: JournalEntriesTable) =>
      linkEntry(writeEntry(draft({ action: 'test.forged' }), { id: newId(), at: 1 }), { orgId, prev })
    await db
      .insertInto('journal_entries')
      .values(inserted(entries[8] as JournalEntriesTable))
      .execute()
    expect(await chain.verify()).toMatchObject({ ok: false, firstBreak: { seq: 10, kind: 'head' } })
    await remove(chain, [10])
    expect((await chain.verify()).ok).toBe(true)
    await remove(chain, [5])
    await db
      .insertInto('journal_entries')
      .values(inserted(entries[3] as JournalEntriesTable))
      .execute()
    expect((await chain.verify()).firstBreak).toEqual({ seq: 6, kind: 'link' })
  })

  test.each([
    ['missing', undefined, { seq: 1, kind: 'head' }],
    ['set back', { seq: 6, hash: F64 }, { seq: 6, kind: 'head' }],
    ['ahead', { seq: 12, hash: F64 }, { seq: 10, kind: 'head' }],
    ['another one', { seq: 9, hash: F64 }, { seq: 9, kind: 'head' }],
  ])('G01 G05: notices a head that is %s', async (_what, set, firstBreak) => {
    await using chain = await openChain(openTestDatabase)
    const { db, orgId } = chain
    if (set) await db.updateTable('journal_heads').set(set).where('org_id', '=', orgId).execute()
    else await db.deleteFrom('journal_heads').where('org_id', '=', orgId).execute()
    expect(await chain.verify()).toMatchObject({ ok: false, firstBreak })
  })

  test('G01: notices a head that was set back to a true entry', async () => {
    await using chain = await openChain(openTestDatabase)
    const { db, orgId, database } = chain
    const { hash } = (await entriesOf(database, orgId))[5] as JournalEntriesTable
    await db.updateTable('journal_heads').set({ seq: 6, hash }).where('org_id', '=', orgId).execute()
    expect(await chain.verify()).toMatchObject({ ok: false, firstBreak: { seq: 7, kind: 'head' } })
  })

  test.each(['null', '[]', '7', '"text"', '{}', '{"actor":null}', 'not JSON'])(
    'names an entry whose text is %s under a right hash, and does not stumble over it',
    async (text) => {
      await using chain = await openChain(openTestDatabase)
      await forge(chain, 5, text)
      expect((await chain.verify()).firstBreak).toEqual({ seq: 5, kind: 'columns' })
    },
  )

  test('counts entries whose details were erased, and finds the chain whole all the same', async () => {
    await using chain = await openChain(openTestDatabase)
    for (const seq of [2, 5, 9]) await tamper(chain, seq, { salt: null, details: null })
    expect(await chain.verify()).toMatchObject({ ok: true, entries: ENTRIES, erased: 3 })
    await chain.journal.append(chain.orgId, [draft()])
    expect(await chain.verify()).toMatchObject({ ok: true, entries: ENTRIES + 1, erased: 3 })
  })

  test('reads chains longer than one page, to the last entry', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    const orgId = newId<OrgId>()
    const journal = journalOver(opened.database)
    const many = Array.from({ length: 700 }, () => draft())
    for (let i = 0; i < 3; i += 1) await journal.append(orgId, many)
    expect(await verifyChain(db, orgId)).toMatchObject({ ok: true, entries: 2_100 })
    await tamper({ db, orgId }, 2_100, { salt: 'x' })
    expect((await verifyChain(db, orgId)).firstBreak).toEqual({ seq: 2_100, kind: 'details' })
  })

  test('is not disturbed by entries that are appended meanwhile', async () => {
    await using opened = await openTestDatabase()
    const orgId = newId<OrgId>()
    const journal = journalOver(opened.database)
    let stop = false
    const appending = (async () => {
      while (!stop) await journal.append(orgId, [draft(), draft()])
    })()
    for (let i = 0; i < 30; i += 1) {
      const found = await verifyChain(opened.database.db, orgId)
      expect(found).toMatchObject({ ok: true, firstBreak: null })
      expect(found.headSeq).toBe(found.entries)
    }
    stop = true
    await appending
  })
})
