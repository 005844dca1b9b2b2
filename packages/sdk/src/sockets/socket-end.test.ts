import { expect, test } from 'vitest'
import { finalCloseError } from './socket-end.js'

test('what the server has too many of is said as it says it', () => {
  const closed = (reason: string) => finalCloseError({ code: 4429, reason })
  expect(closed('too many WebSockets of this user')?.message).toContain('too many WebSockets of this user')
  expect(closed('')).toMatchObject({ code: 'RATE_LIMITED', retryable: true })
})
