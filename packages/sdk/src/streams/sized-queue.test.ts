import { expect, test } from 'vitest'
import { SizedQueue } from './sized-queue.js'

const queueOf = (...items: string[]) => {
  const queue = new SizedQueue<string>((item) => item.length)
  for (const item of items) queue.push(item)
  return queue
}

test('items come out in order, each once, however many have gone before', () => {
  const queue = queueOf()
  const taken: string[] = []
  for (let i = 0; i < 1000; i += 1) {
    queue.push(`${i}a`)
    queue.push(`${i}b`)
    taken.push(queue.take() ?? '')
  }
  while (!queue.isEmpty) taken.push(queue.take() ?? '')
  expect(taken).toEqual(Array.from({ length: 1000 }, (_, i) => [`${i}a`, `${i}b`]).flat())
})

test('nothing is lost that comes after somebody took from an empty queue', () => {
  const queue = queueOf()
  expect([queue.take(), queue.take()]).toEqual([undefined, undefined])
  expect(queue.isEmpty).toBe(true)
  queue.push('one')
  expect(queue.isEmpty).toBe(false)
  expect(queue.take()).toBe('one')
})

test('its bytes are those of what is in it, also after it was cleared', () => {
  const queue = queueOf('abc', 'de')
  expect(queue.bytes).toBe(5)
  queue.take()
  expect(queue.bytes).toBe(2)
  queue.clear()
  expect([queue.bytes, queue.isEmpty]).toEqual([0, true])
  queue.push('f')
  expect(queue.bytes).toBe(1)
})

test('an item gives back the bytes that it took, whatever became of it meanwhile', () => {
  const queue = new SizedQueue<string[]>((item) => item.length)
  const item = ['one']
  queue.push(item)
  item.push('two')
  queue.take()
  expect(queue.bytes).toBe(0)
})

test('what cannot be measured is not queued', () => {
  const queue = new SizedQueue<string>(() => {
    throw new Error('no size')
  })
  expect(() => queue.push('x')).toThrow('no size')
  expect([queue.isEmpty, queue.bytes]).toEqual([true, 0])
})

test('everybody who waits is told, of an item and of the end', async () => {
  const queue = queueOf()
  const first = [queue.changed(), queue.changed()]
  queue.push('one')
  await Promise.all(first)
  const second = [queue.changed(), queue.changed(), queue.changed()]
  queue.wake()
  await Promise.all(second)
})
