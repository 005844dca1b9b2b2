import { expect, test } from 'vitest'
import { askAgainInMs, KrownClientError } from './errors.js'

test.each<[unknown, number]>([
  [1_500, 1_500],
  [100, 100],
  [1e300, 60_000],
  [99, 500],
  [-1, 500],
  [Number.NaN, 500],
  [Number.POSITIVE_INFINITY, 500],
  ['1500', 500],
  [null, 500],
  [undefined, 500],
])('a server that says to come back in %o ms is asked again in %i', (said, expected) => {
  const retryAfterMs = said as number | undefined
  const error = new KrownClientError('UNAVAILABLE', 'later', { kind: 'unavailable', retryAfterMs })
  expect(askAgainInMs(error)).toBe(expected)
})
