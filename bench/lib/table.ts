import colors from 'picocolors'
import { type Figure, isMet, type Scenario } from './scenario.js'

/** A scenario's figures as lines for a terminal. */
export function formatFigures({ name, title }: Scenario, figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    verdict(figure),
    figure.what,
    format(figure.value, figure.unit),
    target(figure),
    peers(figure),
  ])
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
  return `${colors.bold(name)}: ${title}\n${lines.map((line) => `  ${paint(line.trimEnd())}`).join('\n')}\n`
}

function format(value: number, unit: Figure['unit']): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return `${value.toFixed(digits)} ${unit}`
}

function verdict(figure: Figure): string {
  const met = isMet(figure)
  return met === undefined ? '' : met ? 'pass' : 'FAIL'
}

function target({ target, unit }: Figure): string {
  if (!target) return ''
  return 'atMost' in target ? `≤ ${format(target.atMost, unit)}` : `≥ ${format(target.atLeast, unit)}`
}

function peers({ peers = {}, unit }: Figure): string {
  return Object.entries(peers)
    .map(([name, value]) => `${name} ${format(value, unit)}`)
    .join(', ')
}

function paint(line: string): string {
  if (line.startsWith('pass')) return colors.green('pass') + line.slice(4)
  return line.startsWith('FAIL') ? colors.red('FAIL') + line.slice(4) : line
}
