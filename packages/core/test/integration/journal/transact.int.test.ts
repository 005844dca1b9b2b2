import { FakeClock } from '@krown/testkit'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { Database, Trx } from '../../../src/db/database.js'
import { isUniqueViolation } from '../../../src/db/db-errors.js'
import { findHead } from '../../../src/db/repositories/journal.repository.js'
import { ConditionNotMet } from '../../../src/journal/unit.js'
import { verifyChain } from '../../../src/journal/verify-chain.js'
import type { NodeId, OrgId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { ALICE, draft } from './drafts.js'
import { actionsOf, countCommits, entriesOf, factsOf, journalOver, requireWhole } from './journal-fixture.js'

/** Any table will do for the change that goes with the entries. */
const insertNode = (trx: Trx | Database['db'], id: NodeId) =>
  trx.insertInto('nodes').values({ id, started_at: 1, heartbeat_at: 1 })

const nodes = async ({ db }: Database) =>
  (await db.selectFrom('nodes').select('id').execute()).map(({ id }) => id)

const outcomeOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  )

describeOnBothDatabases('the journal', (openTestDatabase) => {
  test('500 appends at once by several organizations make chains without a gap, in few commits', async () => {
    await using opened = await openTestDatabase()
    const counted = countCommits(opened.database)
    const journal = journalOver(counted.database)
    const orgs = [newId<OrgId>(), newId<OrgId>(), newId<OrgId>()]
    const turns = Array.from({ length: 500 }, (_, turn) => ({ turn, orgId: orgs[turn % 3] as OrgId }))
    await Promise.all(turns.map(({ turn, orgId }) => journal.append(orgId, [draft({ facts: { turn } })])))
    for (const orgId of orgs) {
      const own = turns.filter((one) => one.orgId === orgId).map(({ turn }) => ({ turn }))
      // In the order in which they were asked for.
      expect(await factsOf(opened.database, orgId)).toEqual(own)
      await requireWhole(opened.database, orgId, own.length)
    }
    expect(counted.commits).toBeLessThan(50)
  })

  test('an append that is alone waits for nobody', async () => {
    await using opened = await openTestDatabase()
    const counted = countCommits(opened.database)
    const journal = journalOver(counted.database)
    const orgId = newId<OrgId>()
    for (let i = 1; i <= 3; i += 1) {
      await journal.append(orgId, [draft()])
      expect(counted.commits).toBe(i)
    }
  })

  test('an entry says who did what to what and when, and keeps personal details apart', async () => {
    await using opened = await openTestDatabase()
    const clock = new FakeClock(Date.UTC(2026, 4, 6, 7, 8, 9, 10))
    const orgId = newId<OrgId>()
    const resource = { kind: 'command', id: newId() }
    await journalOver(opened.database, { clock }).append(orgId, [
      draft({
        action: 'command.started',
        actor: {
          kind: 'login',
          userId: ALICE,
          loginId: 'the-login',
          username: 'alice',
          clientIp: '192.0.2.1',
          requestId: 'req-1',
        },
        resource,
        facts: { z: [1, 2.5, true, null], a: { b: 'é "\\\n' } },
        details: { command: 'rm -rf /' },
      }),
    ])
    const [entry] = await entriesOf(opened.database, orgId)
    expect(entry).toMatchObject({
      org_id: orgId,
      seq: 1,
      at: Date.UTC(2026, 4, 6, 7, 8, 9, 10),
      action: 'command.started',
      outcome: 'success',
      actor_user_id: ALICE,
      resource_id: resource.id,
      details: '{"clientIp":"192.0.2.1","command":"rm -rf /","username":"alice"}',
      prev_hash: '0'.repeat(64),
    })
    expect(entry?.text).toBe(
      `{"action":"command.started","actor":{"kind":"login","loginId":"the-login","userId":"${ALICE}"},` +
        `"at":"2026-05-06T07:08:09.010Z","detailsDigest":"${JSON.parse(entry?.text ?? '').detailsDigest}",` +
        `"facts":{"a":{"b":"é \\"\\\\\\n"},"z":[1,2.5,true,null]},"id":"${entry?.id}","outcome":"success",` +
        `"requestId":"req-1","resource":{"id":"${resource.id}","kind":"command"},"v":1}`,
    )
    expect(entry?.text).not.toContain('192.0.2.1')
  })

  test('details may name somebody else than the actor', async () => {
    await using opened = await openTestDatabase()
    const orgId = newId<OrgId>()
    await journalOver(opened.database).append(orgId, [draft({ details: { username: 'mallory' } })])
    const [entry] = await entriesOf(opened.database, orgId)
    expect(entry?.details).toBe('{"clientIp":"192.0.2.1","username":"mallory"}')
  })

  test('the same details get another digest each time, so that a digest tells nothing once they are erased', async () => {
    await using opened = await openTestDatabase()
    const orgId = newId<OrgId>()
    await journalOver(opened.database).append(orgId, [draft(), draft()])
    const [one, other] = await entriesOf(opened.database, orgId)
    expect(one?.details).toBe(other?.details)
    expect(JSON.parse(one?.text ?? '').detailsDigest).not.toBe(JSON.parse(other?.text ?? '').detailsDigest)
  })

  test('a unit commits its changes with its entries, which see what the work made', async () => {
    await using opened = await openTestDatabase()
    const journal = journalOver(opened.database)
    const orgId = newId<OrgId>()
    const id = newId<NodeId>()
    const result = await journal.transact(
      orgId,
      async (trx) => {
        await insertNode(trx, id).execute()
        return { made: 7 }
      },
      ({ made }) => [draft({ facts: { made } }), draft({ action: 'test.second' })],
    )
    expect(result).toEqual({ made: 7 })
    await journal.write(orgId, [insertNode(opened.database.db, newId<NodeId>()).compile()], [draft()])
    expect(await nodes(opened.database)).toHaveLength(2)
    expect(await factsOf(opened.database, orgId)).toEqual([{ made: 7 }, {}, {}])
    await requireWhole(opened.database, orgId, 3)
  })

  test('a unit that fails alone stores nothing and throws what its work threw', async () => {
    await using opened = await openTestDatabase()
    const journal = journalOver(opened.database)
    const orgId = newId<OrgId>()
    const mistake = new Error('changed my mind')
    const failed = journal.transact(
      orgId,
      async (trx) => {
        await insertNode(trx, newId<NodeId>()).execute()
        throw mistake
      },
      () => [draft()],
    )
    await expect(failed).rejects.toBe(mistake)
    const refused = journal.transact(
      orgId,
      async (trx) => insertNode(trx, newId<NodeId>()).execute(),
      () => {
        throw mistake
      },
    )
    await expect(refused).rejects.toBe(mistake)
    expect(await nodes(opened.database)).toEqual([])
    expect(await entriesOf(opened.database, orgId)).toEqual([])
  })

  test('a working unit that fails does not disturb the others of its group', async () => {
    await using opened = await openTestDatabase()
    const journal = journalOver(opened.database)
    const orgId = newId<OrgId>()
    const ids = Array.from({ length: 12 }, () => newId<NodeId>())
    const unit = (id: NodeId, turn: number) =>
      journal.transact(
        orgId,
        async (trx) => {
          await insertNode(trx, id).execute()
          if (turn === 5) await sql`select * from nowhere`.execute(trx)
          if (turn === 7) await insertNode(trx, id).execute()
          if (turn === 9) throw new Error('changed my mind')
          return turn
        },
        (result) => [draft({ facts: { turn: result } })],
      )
    const outcomes = await Promise.all(ids.map((id, turn) => outcomeOf(unit(id, turn))))
    const failed = [5, 7, 9]
    outcomes.forEach((outcome, turn) => {
      if (failed.includes(turn)) expect(outcome).toHaveProperty('reason')
      else expect(outcome).toEqual({ value: turn })
    })
    expect(isUniqueViolation((outcomes[7] as { reason: unknown }).reason)).toBe(true)
    const kept = ids.map((_, turn) => turn).filter((turn) => !failed.includes(turn))
    expect((await nodes(opened.database)).sort()).toEqual(kept.map((turn) => ids[turn]))
    expect(await factsOf(opened.database, orgId)).toEqual(kept.map((turn) => ({ turn })))
    await requireWhole(opened.database, orgId, kept.length)
  })

  test('statements that fail do not disturb the others of their group, in few commits', async () => {
    await using opened = await openTestDatabase()
    const counted = countCommits(opened.database)
    const journal = journalOver(counted.database)
    const orgId = newId<OrgId>()
    const taken = newId<NodeId>()
    await insertNode(opened.database.db, taken).execute()
    const ids = Array.from({ length: 40 }, (_, turn) =>
      turn === 11 || turn === 23 ? taken : newId<NodeId>(),
    )
    const outcomes = await Promise.all(
      ids.map((id, turn) => {
        const query = insertNode(opened.database.db, id).compile()
        return outcomeOf(journal.write(orgId, [query], [draft({ facts: { turn } })]))
      }),
    )
    outcomes.forEach((outcome, turn) => {
      if (ids[turn] === taken) expect(isUniqueViolation((outcome as { reason: unknown }).reason)).toBe(true)
      else expect(outcome).toEqual({ value: undefined })
    })
    const kept = ids.flatMap((id, turn) => (id === taken ? [] : [{ turn }]))
    expect(await factsOf(opened.database, orgId)).toEqual(kept)
    expect(await nodes(opened.database)).toHaveLength(39)
    await requireWhole(opened.database, orgId, 38)
    expect(counted.commits).toBeLessThan(8)
  })

  test('a statement that must touch rows and does not stores nothing of its unit, and disturbs no other', async () => {
    await using opened = await openTestDatabase()
    const { database } = opened
    const journal = journalOver(database)
    const orgId = newId<OrgId>()
    const write = (turn: number) => {
      const roomForTwo = database.db
        .selectFrom('nodes')
        .select((eb) => eb.fn.countAll().as('count'))
        .having((eb) => eb.fn.countAll(), '<', 2)
        .compile()
      const insert = insertNode(database.db, newId()).compile()
      return journal.write(orgId, [{ ...roomForTwo, mustTouch: 1 }, insert], [draft({ facts: { turn } })])
    }
    const settled = await Promise.allSettled([write(0), write(1), write(2), journal.append(orgId, [draft()])])
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(settled[2]).toMatchObject({ reason: { name: 'ConditionNotMet' } })
    await expect(write(3)).rejects.toBeInstanceOf(ConditionNotMet)
    expect(await nodes(database)).toHaveLength(2)
    expect(await factsOf(database, orgId)).toEqual([{ turn: 0 }, { turn: 1 }, {}])
  })

  test('a draft that is no JSON is the fault of its own unit', async () => {
    await using opened = await openTestDatabase()
    const journal = journalOver(opened.database)
    const orgId = newId<OrgId>()
    const bad = draft({ facts: { ratio: Number.NaN } })
    const appends = [draft(), draft(), bad, draft()].map((one) => outcomeOf(journal.append(orgId, [one])))
    const outcomes = await Promise.all(appends)
    expect(outcomes.map((outcome) => 'value' in outcome)).toEqual([true, true, false, true])
    const works = [draft(), bad, draft()].map((one) =>
      outcomeOf(
        journal.transact(
          orgId,
          (trx) => insertNode(trx, newId<NodeId>()).execute(),
          () => [one],
        ),
      ),
    )
    expect((await Promise.all(works)).map((outcome) => 'value' in outcome)).toEqual([true, false, true])
    expect(await nodes(opened.database)).toHaveLength(2)
    await requireWhole(opened.database, orgId, 5)
  })

  test('a unit without entries changes the data and not the chain', async () => {
    await using opened = await openTestDatabase()
    const journal = journalOver(opened.database)
    const orgId = newId<OrgId>()
    await journal.write(orgId, [insertNode(opened.database.db, newId<NodeId>()).compile()], [])
    await journal.transact(
      orgId,
      (trx) => insertNode(trx, newId<NodeId>()).execute(),
      () => [],
    )
    expect(await nodes(opened.database)).toHaveLength(2)
    await requireWhole(opened.database, orgId, 0)
    await journal.append(orgId, [draft()])
    await requireWhole(opened.database, orgId, 1)
  })

  test('working and statement units keep the order in which they were asked for', async () => {
    await using opened = await openTestDatabase()
    const journal = journalOver(opened.database)
    const orgId = newId<OrgId>()
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `test.${name}`)
    await Promise.all(
      names.map((action, turn) =>
        turn % 3 === 1
          ? journal.transact(
              orgId,
              async () => action,
              (said) => [draft({ action: said })],
            )
          : journal.append(orgId, [draft({ action })]),
      ),
    )
    expect(await actionsOf(opened.database, orgId)).toEqual(names)
    await requireWhole(opened.database, orgId, names.length)
  })

  test('limits counted inside a unit hold for units that run at once', async () => {
    await using opened = await openTestDatabase()
    const other = journalOver(await opened.openAgain())
    const journals = [journalOver(opened.database), other]
    const orgId = newId<OrgId>()
    const claim = (turn: number) =>
      (journals[turn % 2] as typeof other).transact(
        orgId,
        async (trx) => {
          const { n } = await trx
            .selectFrom('nodes')
            .select((eb) => eb.fn.countAll<number>().as('n'))
            .executeTakeFirstOrThrow()
          if (n >= 5) throw new Error('full')
          await insertNode(trx, newId<NodeId>()).execute()
        },
        () => [draft()],
      )
    await Promise.allSettled(Array.from({ length: 20 }, (_, turn) => claim(turn)))
    expect(await nodes(opened.database)).toHaveLength(5)
    await requireWhole(opened.database, orgId, 5)
  })

  test('`settle` waits for what is in flight', async () => {
    await using opened = await openTestDatabase()
    const journal = journalOver(opened.database)
    const orgId = newId<OrgId>()
    const appends = Array.from({ length: 100 }, () => journal.append(orgId, [draft()]))
    await journal.settle()
    await requireWhole(opened.database, orgId, 100)
    await Promise.all(appends)
    await journal.settle()
  })

  test('H15: the chain follows the order of events although the clock jumps', async () => {
    await using opened = await openTestDatabase()
    const clock = new FakeClock()
    const journal = journalOver(opened.database, { clock })
    const orgId = newId<OrgId>()
    const hour = 3_600_000
    for (const jump of [0, hour, -2 * hour, 10 * 365 * 24 * hour, -11 * 365 * 24 * hour]) {
      clock.setWallClock(clock.now() + jump)
      await journal.append(orgId, [draft({ facts: { jump } })])
    }
    const entries = await entriesOf(opened.database, orgId)
    expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
    expect(entries.map(({ at }) => at)).not.toEqual(entries.map(({ at }) => at).sort())
    await requireWhole(opened.database, orgId, 5)
    expect(await findHead(opened.database.db, orgId)).toEqual({ seq: 5, hash: entries[4]?.hash })
    expect((await verifyChain(opened.database.db, orgId)).firstBreak).toBeNull()
  })
})
