const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

const DURATION = new RegExp(`^${UNITS.map(([unit]) => `(?:(\\d{1,16})${unit})?`).join('')}$`)

/**
 * Reads `"500ms"`, `"30s"`, `"5m"`, `"24h"`, `"30d"` or a compound such as `"1h30m"`, largest unit first.
 *
 * @returns Milliseconds; undefined for anything else, a number without a unit included.
 */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text)
  if (text === '' || match === null) return undefined
  const total = UNITS.reduce((sum, [, ms], index) => sum + Number(match[index + 1] ?? 0) * ms, 0)
  return Number.isSafeInteger(total) ? total : undefined
}

/** The shortest text in one unit that {@link parseDuration} reads back to the same whole number of milliseconds. */
export function formatDuration(ms: number): string {
  const [unit, size] =
    UNITS.find(([, unitMs]) => ms >= unitMs && ms % unitMs === 0) ?? (['s', 1_000] as const)
  return `${ms / size}${unit}`
}
