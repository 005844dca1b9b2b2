import { visible } from './visible.js'
import { cut, pad, widthOf } from './width.js'

export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  /** Gives way when the terminal is narrow; at most one. */
  readonly flexible?: true
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
  columns: readonly Column<Row>[],
  layout: TableLayout,
): string {
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
