import type { Figure } from './scenario.js'
import { median } from './statistics.js'

interface Overhead {
  /** What is measured besides; nothing where the scenario says it all. */
  readonly of?: string
  /** Milliseconds of each. */
  readonly times: { readonly raw: readonly number[]; readonly krown: readonly number[] }
  readonly atMostMs: number
}

/** What half of all calls take, held to what ssh2 alone takes and so much more. */
export function overheadFigure({ of, times, atMostMs }: Overhead): Figure {
  const raw = median(times.raw)
  return {
    what: `${of === undefined ? '' : `${of}, `}p50, at most raw + ${atMostMs} ms`,
    value: median(times.krown),
    unit: 'ms',
    target: { atMost: raw + atMostMs },
    peers: { 'raw ssh2': raw },
  }
}
