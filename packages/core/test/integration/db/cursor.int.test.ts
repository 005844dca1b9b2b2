import { expect, test } from 'vitest'
import { listCommands } from '../../../src/db/repositories/command.repository.js'
import { listSessions } from '../../../src/db/repositories/session.repository.js'
import type { SessionId } from '../../../src/model/ids.js'
import type { SessionQuery } from '../../../src/model/session.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { addCommands, addSessions, seedOrg } from './seed.js'

/** A cursor as somebody would write it who knows how they are made. */
function forge(genuine: string, key: readonly unknown[]): string {
  const [digest] = JSON.parse(Buffer.from(genuine, 'base64url').toString('utf8')) as [string]
  return Buffer.from(JSON.stringify([digest, ...key])).toString('base64url')
}

describeOnBothDatabases('cursors', (openTestDatabase) => {
  async function seed() {
    const opened = await openTestDatabase()
    const { db } = opened.database
    const org = await seedOrg(opened.database)
    const [session] = (await addSessions(db, org, [{}, {}, {}])) as [SessionId]
    await addCommands(db, org, [{ session_id: session }, { session_id: session }, { session_id: session }])
    const sessions = (query: SessionQuery) =>
      listSessions(db, org.orgId, { query: { limit: 1, ...query }, owner: undefined })
    const commands = (cursor?: string) =>
      listCommands(db, org.orgId, { query: { limit: 1, cursor }, owner: undefined })
    return { org, sessions, commands, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
  }

  test('a cursor goes with the filters it was made with, in whatever order they are given', async () => {
    await using seeded = await seed()
    const { org, sessions } = seeded
    const first = await sessions({ status: 'connected', userId: org.alice })
    const cursor = first.nextCursor ?? ''
    const next = await sessions({ userId: org.alice, host: undefined, status: 'connected', cursor })
    expect(next.items).toHaveLength(1)
    expect(next.items[0]?.id).not.toBe(first.items[0]?.id)
    for (const query of [{}, { status: 'connected' }, { status: 'error', userId: org.alice }] as const) {
      await expect(sessions({ ...query, cursor })).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
        details: { fields: [{ path: 'cursor' }] },
      })
    }
  })

  test('a cursor of another list is refused', async () => {
    await using seeded = await seed()
    const [ofSessions, ofCommands] = [await seeded.sessions({}), await seeded.commands()]
    const refused = { code: 'VALIDATION_FAILED' }
    await expect(seeded.commands(ofSessions.nextCursor ?? '')).rejects.toMatchObject(refused)
    await expect(seeded.sessions({ cursor: ofCommands.nextCursor ?? '' })).rejects.toMatchObject(refused)
  })

  test.each([
    ['no key', []],
    ['half a key', [1_000]],
    ['text for the time', ['x', 'y']],
    ['a number for the id', [1_000, 7]],
    ['one part too many', [1_000, 'a', 'b']],
    ['null', [null, null]],
    ['a fraction', [1.5, 'a']],
  ])('a forged cursor with %s is refused before it reaches the database', async (_name, key) => {
    await using seeded = await seed()
    const genuine = (await seeded.commands()).nextCursor ?? ''
    await expect(seeded.commands(forge(genuine, key))).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
  })

  test.each(['', '!', 'e30', 'bnVsbA', 'WzFd', 'A'.repeat(1024)])(
    'a damaged cursor is refused: %j',
    async (cursor) => {
      await using seeded = await seed()
      await expect(seeded.commands(cursor)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
    },
  )
})
