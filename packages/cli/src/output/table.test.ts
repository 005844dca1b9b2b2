import { expect, test } from 'vitest'
import { type Column, formatFields, formatTable } from './table.js'
import { cut, widthOf } from './width.js'

interface Row {
  id: string
  name: string
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'NAME', text: ({ name }) => name, flexible: true },
  { title: 'END', text: () => 'x' },
]
const layout = (columns?: number) => ({ columns, paintTitles: (line: string) => line })

test('columns are as wide as what is in them, and nothing trails', () => {
  const rows = [
    { id: '1', name: 'short' },
    { id: '22', name: 'a bit longer' },
  ]
  expect(formatTable(rows, COLUMNS, layout())).toBe(
    ['ID  NAME          END', '1   short         x', '22  a bit longer  x'].join('\n'),
  )
})

test('a narrow terminal takes from the flexible column, down to a limit', () => {
  const rows = [{ id: '1', name: 'a name that is rather long' }]
  const widths = [200, 25, 5].map((columns) =>
    Math.max(...lengths(formatTable(rows, COLUMNS, layout(columns)))),
  )
  expect(widths).toEqual([35, 25, 21])
  expect(formatTable(rows, COLUMNS, layout(25))).toContain('a name that is…')
})

test('a narrow terminal has no column that is secondary, the last goes first', () => {
  const columns: readonly Column<Row>[] = [
    { title: 'ID', text: ({ id }) => id },
    { title: 'SINCE', text: () => 'a long time', secondary: true },
    { title: 'FROM', text: () => 'far away', secondary: true },
    { title: 'NAME', text: ({ name }) => name, flexible: true },
  ]
  const rows = [{ id: '1', name: 'a name that is rather long' }]
  const titles = [undefined, 80, 36, 27, 10].map(
    (width) => formatTable(rows, columns, layout(width)).split('\n')[0],
  )
  expect(titles.map((line) => line?.split(/ +/))).toEqual([
    ['ID', 'SINCE', 'FROM', 'NAME'],
    ['ID', 'SINCE', 'FROM', 'NAME'],
    ['ID', 'SINCE', 'NAME'],
    ['ID', 'NAME'],
    ['ID', 'NAME'],
  ])
})

test('letters that take two columns are counted as two, marks as none', () => {
  expect(['日本', 'e\u0301', '👩', 'abc'].map(widthOf)).toEqual([4, 1, 2, 3])
  expect([cut('日本語', 5), cut('日本語', 6)]).toEqual(['日本…', '日本語'])
})

test('an empty list has its titles', () => {
  expect(formatTable([], COLUMNS, layout(80))).toBe('ID  NAME  END')
})

test('fields stand below each other, and escape sequences cannot leave them', () => {
  const fields = [
    ['a', '\u001b[31mred'],
    ['longer', null],
  ] as const
  expect(formatFields(fields)).toEqual(['a       \\x1b[31mred', 'longer  -'])
})

function lengths(text: string): number[] {
  return text.split('\n').map((line) => line.length)
}
