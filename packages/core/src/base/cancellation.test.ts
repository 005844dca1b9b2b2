import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { startCancellation } from './cancellation.js'

test('it aborts with its own reason or with that of its parent, whichever comes first', () => {
  const parent = new AbortController()
  const [own, followed] = [startCancellation(parent.signal), startCancellation(parent.signal)]
  own.abort('given up')
  parent.abort('the parent')
  expect([own.signal.reason, followed.signal.reason]).toEqual(['given up', 'the parent'])
  expect(startCancellation(parent.signal).signal.reason).toBe('the parent')
})

test('once it is disposed its parent knows nothing of it', () => {
  const parent = new AbortController()
  const cancellation = startCancellation(parent.signal)
  cancellation[Symbol.dispose]()
  expect(getEventListeners(parent.signal, 'abort')).toEqual([])
  parent.abort()
  expect(cancellation.signal.aborted).toBe(false)
})
