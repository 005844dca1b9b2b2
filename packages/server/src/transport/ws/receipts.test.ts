import { expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { Receipts } from './receipts.js'

/** A socket that remembers what it was pinged with. */
function pinged() {
  const pings: string[] = []
  const ws = { OPEN: 1, readyState: 1, ping: (text: string) => pings.push(text) }
  return { ws, pings, receipts: new Receipts(ws as unknown as WebSocket) }
}

test('a peer may answer the newest of several pings alone: all before it arrived as well', () => {
  const { pings, receipts } = pinged()
  const arrived: number[] = []
  for (const number of [1, 2, 3]) receipts.ask(() => arrived.push(number))
  expect(receipts.take(Buffer.from(pings[1] ?? ''))).toBe(true)
  expect(arrived).toEqual([1, 2])
  expect(receipts.take(Buffer.from(pings[2] ?? ''))).toBe(true)
  expect(arrived).toEqual([1, 2, 3])
  expect(receipts.stalledMs).toBe(0)
})

test('a pong that answers none of them, or one that was answered, is no receipt', () => {
  const { pings, receipts } = pinged()
  let arrived = 0
  const count = () => {
    arrived += 1
  }
  receipts.ask(count)
  receipts.ask(count)
  for (const text of ['', '0', '3', '1.5', 'x']) expect(receipts.take(Buffer.from(text))).toBe(false)
  expect(arrived).toBe(0)
  expect(receipts.take(Buffer.from(pings[0] ?? ''))).toBe(true)
  expect(receipts.take(Buffer.from(pings[0] ?? ''))).toBe(false)
  expect(arrived).toBe(1)
})

test('a socket that is closed is asked nothing', () => {
  const { ws, pings, receipts } = pinged()
  ws.readyState = 3
  receipts.ask(() => {})
  expect(pings).toEqual([])
  expect(receipts.stalledMs).toBe(0)
})
