import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { paced } from './paced-body.js'

function open() {
  const clock = new FakeClock()
  const body = new PassThrough()
  let slow = 0
  const read = text(
    paced(body, { minBytes: 4, everyMs: 1_000, clock }, () => {
      slow += 1
    }),
  )
  return { clock, body, read, slow: () => slow }
}

test('a body that comes fast enough is passed on whole, and nothing is left running', async () => {
  const { clock, body, read, slow } = open()
  for (const part of ['abcd', 'efgh']) {
    body.write(part)
    await clock.advanceAsync(1_000)
  }
  body.end('i')
  expect(await read).toBe('abcdefghi')
  expect(slow()).toBe(0)
  expect(clock.pendingTimers).toBe(0)
})

test('a body that comes too slowly is given up', async () => {
  const { clock, body, read, slow } = open()
  const refused = expect(read).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
    message: 'the request body comes too slowly',
  })
  body.write('abcd')
  await clock.advanceAsync(1_000)
  body.write('efg')
  await clock.advanceAsync(1_000)
  await refused
  expect(slow()).toBe(1)
  expect(clock.pendingTimers).toBe(0)
})

test('a body that fails is not waited for', async () => {
  const { clock, body, read } = open()
  const failed = expect(read).rejects.toThrow('gone')
  body.destroy(new Error('gone'))
  await failed
  expect(clock.pendingTimers).toBe(0)
})
