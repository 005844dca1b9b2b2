import type { Page, PageQuery } from '@krown/sdk'
import { expect, test } from 'vitest'
import { collectPages } from './list.js'

/** Gives the pages in turn, the last one for ever. */
function listOf(...pages: Page<string>[]) {
  const asked: PageQuery[] = []
  const list = async (query: PageQuery) => {
    asked.push(query)
    if (asked.length > 10) throw new Error('asked again and again')
    return pages[asked.length - 1] ?? pages.at(-1) ?? { items: [], nextCursor: null }
  }
  return { list, asked }
}

const all = { limit: Number.POSITIVE_INFINITY }

test('pages are one list, which can be gone on with where the limit ended it', async () => {
  const { list, asked } = listOf({ items: ['a', 'b'], nextCursor: '1' }, { items: ['c'], nextCursor: '2' })
  expect(await collectPages(list, { limit: 3, cursor: '0' })).toEqual({
    items: ['a', 'b', 'c'],
    nextCursor: '2',
  })
  expect(asked).toEqual([
    { limit: 3, cursor: '0' },
    { limit: 1, cursor: '1' },
  ])
})

test.each([
  ['the same cursor for ever', [{ items: ['a'], nextCursor: '1' }], ['a', 'a']],
  [
    'a cursor that leads back',
    [
      { items: ['a'], nextCursor: '1' },
      { items: ['b'], nextCursor: '0' },
    ],
    ['a', 'b'],
  ],
])('a server with %s is asked no more', async (_, pages, items) => {
  expect(await collectPages(listOf(...pages).list, { ...all, cursor: '0' })).toEqual({
    items,
    nextCursor: null,
  })
})

test('a page without anything is followed by the next, but not for ever', async () => {
  const { list } = listOf(
    { items: ['a'], nextCursor: '1' },
    { items: [], nextCursor: '2' },
    { items: ['b'], nextCursor: null },
  )
  expect(await collectPages(list, all)).toEqual({ items: ['a', 'b'], nextCursor: null })
  let asked = 0
  const nothing = async () => {
    asked += 1
    return { items: [], nextCursor: String(asked) }
  }
  expect(await collectPages(nothing, all)).toEqual({ items: [], nextCursor: null })
  expect(asked).toBe(101)
})
