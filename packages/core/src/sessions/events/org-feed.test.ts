import { expect, test } from 'vitest'
import { newId } from '../../base/ids.js'
import type { UserId } from '../../model/ids.js'
import { OrgFeed } from './org-feed.js'
import type { LifecycleEntry } from './session-log.js'

const USER = newId<UserId>()

function entry(seq: number, textLength = 0): LifecycleEntry {
  return { seq, userId: USER, textLength, event: { type: 'session_status', seq } as LifecycleEntry['event'] }
}

const all = () => true

test('a reader gets what is published from then on', () => {
  const feed = new OrgFeed(() => {})
  feed.publish(entry(1))
  const reader = feed.open()
  expect(reader.next(all)).toBeUndefined()
  feed.publish(entry(2))
  feed.publish(entry(3))
  expect([reader.next(all), reader.next(all), reader.next(all)]).toMatchObject([
    { seq: 2 },
    { seq: 3 },
    undefined,
  ])
})

test('a reader that is too far behind is told so, and goes on with what is held', () => {
  const feed = new OrgFeed(() => {})
  const reader = feed.open()
  for (let seq = 1; seq <= 10_000; seq += 1) feed.publish(entry(seq))
  expect(reader.next(all)).toEqual({ type: 'gap', sessionId: null, seq: 0, fromSeq: 0, toSeq: 0 })
  const rest: number[] = []
  for (let event = reader.next(all); event; event = reader.next(all)) rest.push(event.seq)
  expect(rest.at(-1)).toBe(10_000)
  expect(rest.length).toBeGreaterThan(1_000)
  expect(rest).toEqual(rest.map((_, index) => 10_001 - rest.length + index))
})

test('what a reader may not see is passed over', () => {
  const feed = new OrgFeed(() => {})
  const reader = feed.open()
  for (let seq = 1; seq <= 4; seq += 1) feed.publish(entry(seq))
  expect(reader.next(({ seq }) => seq === 3)).toMatchObject({ seq: 3 })
  expect(reader.next(() => false)).toBeUndefined()
})

test('it is let go when the last reader has left', () => {
  let unread = 0
  const feed = new OrgFeed(() => {
    unread += 1
  })
  const readers = [feed.open(), feed.open()]
  readers[0]?.close()
  expect(unread).toBe(0)
  readers[1]?.close()
  expect(unread).toBe(1)
})
