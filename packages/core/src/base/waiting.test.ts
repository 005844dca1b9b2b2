import { expect, test, vi } from 'vitest'
import { defer } from './deferred.js'
import { Waiting } from './waiting.js'

const never = new AbortController().signal

test('waits until the promise is kept or broken', async () => {
  const waiting = new Waiting()
  const [kept, broken] = [defer<void>(), defer<void>()]
  const all = Promise.all([
    waiting.until(kept.promise, never),
    waiting.until(kept.promise, never),
    waiting.until(broken.promise, never),
  ])
  kept.resolve()
  broken.reject(new Error('broken'))
  await all
  await waiting.until(kept.promise, never)
})

test('whoever gives up is gone at once, and has left nothing on the promise', async () => {
  const { promise } = defer<void>()
  const thens = vi.spyOn(promise, 'then')
  const waiting = new Waiting()
  for (let n = 0; n < 100; n += 1) {
    const giveUp = new AbortController()
    const over = waiting.until(promise, giveUp.signal)
    giveUp.abort()
    await over
  }
  await waiting.until(promise, AbortSignal.abort())
  expect(thens).toHaveBeenCalledTimes(1)
})
