const UNITS = [
  ['TiB', 1024 ** 4],
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
  ['B', 1],
] as const

const SIZE = /^(\d{1,16})(TiB|GiB|MiB|KiB|B)$/

/**
 * Reads `"512B"`, `"64KiB"`, `"1MiB"`, `"1GiB"` or `"1TiB"`.
 *
 * @returns Bytes; undefined for anything else: no decimal units, and no number without a unit.
 */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text)
  const unit = UNITS.find(([name]) => name === match?.[2])
  if (match === null || unit === undefined) return undefined
  const bytes = Number(match[1]) * unit[1]
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** The shortest text in one unit that {@link parseSize} reads back to the same whole number of bytes. */
export function formatSize(bytes: number): string {
  const [unit, size] =
    UNITS.find(([, unitBytes]) => bytes >= unitBytes && bytes % unitBytes === 0) ?? (['B', 1] as const)
  return `${bytes / size}${unit}`
}
