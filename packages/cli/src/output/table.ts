import { visible } from './visible.js'
import { cut, pad, widthOf } from './width.js'

export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  /** Gives way when the terminal is narrow; at most one. */
  readonly flexible?: true
  /** Left out where the terminal has no room for it, the last of them first. */
  readonly secondary?: true
}

export interface TableLayout {
  /** Columns of the terminal; undefined where lines may be as long as they are. */
  readonly columns: number | undefined
  readonly paintTitles: (line: string) => string
}

const GAP = '  '
const LEAST_FLEXIBLE = 12

/** Rows under titles, every cell one line that is safe to print. */
export function formatTable<Row>(
  rows: readonly Row[],
  all: readonly Column<Row>[],
  layout: TableLayout,
): string {
  const columns = columnsWithRoom(rows, all, layout.columns)
  const cells = rows.map((row) => columns.map(({ text }) => visible(text(row))))
  const titles = columns.map(({ title }) => title)
  const widths = columnWidths(columns, [titles, ...cells], layout.columns)
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => pad(cut(cell, widths[at] ?? 0), widths[at] ?? 0))
      .join(GAP)
      .trimEnd()
  return [layout.paintTitles(line(titles)), ...cells.map(line)].join('\n')
}

function columnsWithRoom<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  available: number | undefined,
): readonly Column<Row>[] {
  const last = columns.findLastIndex(({ secondary }) => secondary)
  if (available === undefined || last < 0 || leastWidth(rows, columns) <= available) return columns
  return columnsWithRoom(rows, columns.toSpliced(last, 1), available)
}

function leastWidth<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): number {
  const widths = columns.map(({ title, text, flexible }) => {
    const width = Math.max(widthOf(title), ...rows.map((row) => widthOf(visible(text(row)))))
    return flexible ? Math.min(width, LEAST_FLEXIBLE) : width
  })
  return widths.reduce((sum, width) => sum + GAP.length + width, -GAP.length)
}

/** `name  value` lines, for one thing. */
export function formatFields(fields: readonly (readonly [string, string | null])[]): string[] {
  const width = Math.max(...fields.map(([name]) => name.length))
  return fields.map(([name, value]) => `${pad(name, width)}${GAP}${visible(value ?? '-')}`.trimEnd())
}

function columnWidths<Row>(
  columns: readonly Column<Row>[],
  rows: readonly (readonly string[])[],
  available: number | undefined,
): number[] {
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => widthOf(row[at] ?? ''))))
  const flexible = columns.findIndex((column) => column.flexible)
  if (available === undefined || flexible < 0) return widths
  const whole = widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1))
  const wanted = widths[flexible] ?? 0
  const given = Math.max(Math.min(wanted, LEAST_FLEXIBLE), wanted - Math.max(0, whole - available))
  return widths.with(flexible, given)
}
