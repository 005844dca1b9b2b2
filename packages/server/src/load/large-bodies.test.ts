import { expect, test } from 'vitest'
import { LargeBodies } from './large-bodies.js'

test('a user has one at a time, and all together have eight', () => {
  const bodies = new LargeBodies()
  const ends = Array.from({ length: 8 }, () => new AbortController())
  for (const [i, { signal }] of ends.entries()) bodies.begin(`user ${i}`, signal)
  const { signal } = new AbortController()
  expect(() => bodies.begin('user 0', signal)).toThrow(
    expect.objectContaining({ code: 'RATE_LIMITED', retryAfterMs: 1000 }),
  )
  expect(() => bodies.begin('another', signal)).toThrow(
    expect.objectContaining({ code: 'UNAVAILABLE', retryAfterMs: 1000 }),
  )
  ends[0]?.abort()
  bodies.begin('another', signal)
  expect(() => bodies.begin('user 0', signal)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
})

test('one of a request that is over takes no place', () => {
  const bodies = new LargeBodies()
  bodies.begin('ada', AbortSignal.abort())
  bodies.begin('ada', new AbortController().signal)
})
