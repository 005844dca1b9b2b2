import { FakeClock } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import type { Actor } from '../../model/actor.js'
import type { OrgId, UserId } from '../../model/ids.js'
import { Tickets } from './tickets.js'

const origin = { clientIp: '192.0.2.7' }
const actorOf = (userId: string): Actor => ({
  kind: 'external',
  userId: userId as UserId,
  orgId: 'org' as OrgId,
  username: userId,
  clientIp: null,
})
const ada = actorOf('ada')

function setUp() {
  const clock = new FakeClock()
  return { clock, tickets: new Tickets(clock) }
}

test('a ticket stands for who asked for it, coming from where it is used', () => {
  const { tickets } = setUp()
  const { text } = tickets.issue(ada, 'this')
  expect(text).toMatch(/^krn_tkt_[\w-]{43}$/)
  expect(tickets.redeem(text, 'this', origin)).toEqual({ ...ada, clientIp: '192.0.2.7' })
})

describe('a ticket is refused', () => {
  test('the second time', () => {
    const { tickets } = setUp()
    const { text } = tickets.issue(ada, 'this')
    tickets.redeem(text, 'this', origin)
    expect(() => tickets.redeem(text, 'this', origin)).toThrow('sign in again')
  })

  test('for something else, and is used up by that', () => {
    const { tickets } = setUp()
    const { text } = tickets.issue(ada, 'this')
    expect(() => tickets.redeem(text, 'that', origin)).toThrow('sign in again')
    expect(() => tickets.redeem(text, 'this', origin)).toThrow('sign in again')
  })

  test('after a minute', () => {
    const { clock, tickets } = setUp()
    const { text, expiresAt } = tickets.issue(ada, 'this')
    expect(expiresAt).toBe(clock.now() + 60_000)
    clock.advance(60_000)
    expect(() => tickets.redeem(text, 'this', origin)).toThrow('sign in again')
  })

  test('when nobody ever made it', () => {
    const { tickets } = setUp()
    expect(() => tickets.redeem('krn_tkt_', 'this', origin)).toThrow('sign in again')
  })
})

test('of very many of one user the oldest are worthless, and those of others are not', () => {
  const { tickets } = setUp()
  const other = tickets.issue(actorOf('grace'), 'this').text
  const first = tickets.issue(ada, 'this').text
  const more = Array.from({ length: 100 }, () => tickets.issue(ada, 'this').text)
  expect(() => tickets.redeem(first, 'this', origin)).toThrow('sign in again')
  for (const text of [other, ...more]) expect(() => tickets.redeem(text, 'this', origin)).not.toThrow()
})
