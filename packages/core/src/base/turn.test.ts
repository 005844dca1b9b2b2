import { expect, test } from 'vitest'
import { Turn } from './turn.js'

test('long work lets others have their turns before it is done', async () => {
  let others = 0
  const tick = setInterval(() => {
    others += 1
  }, 1)
  const turn = new Turn()
  const until = performance.now() + 100
  while (performance.now() < until) await turn.end()
  clearInterval(tick)
  expect(others).toBeGreaterThan(1)
})
