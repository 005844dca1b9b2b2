import { expect, test } from 'vitest'
import { Turns } from './turns.js'

/** Work that is over when it is told. */
function piece(log: string[], name: string) {
  let finish = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const work = async () => {
    log.push(name)
    await finished
    return name
  }
  return { work, finish }
}

test('a user has so many turns at once; the others come in their order', async () => {
  const turns = new Turns({ atOnce: 2, inLine: 4 })
  const log: string[] = []
  const pieces = ['a', 'b', 'c', 'd'].map((name) => piece(log, name))
  const calls = pieces.map(({ work }) => turns.take('ada', work))
  expect(log).toEqual(['a', 'b'])
  pieces[1]?.finish()
  await calls[1]
  expect(log).toEqual(['a', 'b', 'c'])
  for (const { finish } of pieces) finish()
  expect(await Promise.all(calls)).toEqual(['a', 'b', 'c', 'd'])
})

test('C24: one too many of a user is refused, and of nobody else', async () => {
  const turns = new Turns({ atOnce: 1, inLine: 2 })
  const log: string[] = []
  const pieces = ['a', 'b'].map((name) => piece(log, name))
  const calls = pieces.map(({ work }) => turns.take('ada', work))
  await expect(turns.take('ada', async () => 'c')).rejects.toMatchObject({
    code: 'RATE_LIMITED',
    retryAfterMs: 1000,
  })
  expect(await turns.take('bob', async () => 'd')).toBe('d')
  for (const { finish } of pieces) finish()
  await Promise.all(calls)
  expect(await turns.take('ada', async () => 'e')).toBe('e')
})

test('work that fails gives its turn on', async () => {
  const turns = new Turns({ atOnce: 1, inLine: 2 })
  const failing = turns.take('ada', () => Promise.reject(new Error('failed')))
  const next = turns.take('ada', async () => 'next')
  await expect(failing).rejects.toThrow('failed')
  expect(await next).toBe('next')
})
