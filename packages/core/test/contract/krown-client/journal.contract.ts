import { expect, test } from 'vitest'
import type { JournalEntry } from '../../../src/model/journal.js'
import { openSession, refusal, type World } from './world.js'

/** Reads on until there was an entry about each of these. */
async function readUntil(
  entries: AsyncIterator<JournalEntry>,
  resourceIds: readonly string[],
): Promise<JournalEntry[]> {
  const missing = new Set(resourceIds)
  const read: JournalEntry[] = []
  while (missing.size > 0) {
    const { done, value } = await entries.next()
    if (done) throw new Error('the journal has no end')
    read.push(value)
    if (value.resourceId !== null) missing.delete(value.resourceId)
  }
  return read
}

const numbersOf = (entries: readonly JournalEntry[]) => entries.map(({ seq }) => seq)

export function journalTests(world: () => World): void {
  test('who follows the journal gets every entry once, in order, from where it left off', async () => {
    const { admin, auditor } = world().clients
    const [newest] = (await admin.journal.list({ limit: 1 })).items
    const after = newest?.seq ?? 0
    const tail = auditor.journal.follow({ after })[Symbol.asyncIterator]()
    await using session = await openSession(world())
    const first = await session.exec('echo first')
    const read = await readUntil(tail, [session.id, first.id])
    await tail.return?.()
    expect(read[0]?.seq).toBe(after + 1)
    const second = await session.exec('echo second')
    const rest = auditor.journal.follow({ after: read.at(-1)?.seq })[Symbol.asyncIterator]()
    read.push(...(await readUntil(rest, [second.id])))
    await rest.return?.()
    expect(numbersOf(read)).toEqual(numbersOf(read).map((_, index) => after + 1 + index))
    const { items } = await admin.journal.list({ resourceId: first.id })
    expect(read.filter(({ resourceId }) => resourceId === first.id)).toContainEqual(items.at(-1))
  })

  test('all of it is read from the first entry', async () => {
    const { admin } = world().clients
    await using session = await openSession(world())
    const tail = admin.journal.follow({ after: 0 })[Symbol.asyncIterator]()
    const read = await readUntil(tail, [session.id])
    await tail.return?.()
    expect(numbersOf(read)).toEqual(read.map((_, index) => index + 1))
  })

  test('without a place to go on from, it begins with what comes', async () => {
    const { admin } = world().clients
    await using session = await openSession(world())
    const before = await session.exec('echo before')
    const tail = admin.journal.follow()[Symbol.asyncIterator]()
    const reading = { done: false }
    const first = tail.next().finally(() => {
      reading.done = true
    })
    // When it has begun is not told: what is done until the first entry comes may be before or after that.
    while (!reading.done) await session.exec('echo after')
    const { value: entry } = await first
    expect(entry).toMatchObject({ resourceKind: 'command' })
    expect(entry.resourceId).not.toBe(before.id)
    await tail.return?.()
  })

  test('who may not read the journal may not follow it', async () => {
    const { operator, readonly } = world().clients
    for (const client of [operator, readonly]) {
      const refused = await refusal(client.journal.follow({ after: 0 })[Symbol.asyncIterator]().next())
      expect(refused.code).toBe('FORBIDDEN')
    }
  })

  test('a signal ends the following', async () => {
    const { admin } = world().clients
    const controller = new AbortController()
    const following = (async () => {
      for await (const _ of admin.journal.follow({ signal: controller.signal }));
    })()
    const ended = expect(following).rejects.toThrow()
    controller.abort(new Error('enough'))
    await ended
  })
}
