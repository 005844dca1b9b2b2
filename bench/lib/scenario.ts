/** One measured value, with the bound it is held to. */
export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: Unit
  /** Absent where the value is only reported. */
  readonly target?: { readonly atMost: number } | { readonly atLeast: number }
  /** What was measured in the same run, by name and in the same unit. */
  readonly peers?: Readonly<Record<string, number>>
}

type Unit = 'ms' | 'µs' | '×' | '%' | '/s' | 'KiB' | 'MiB' | 'MiB/s'

/** One idea that is measured; each is a file of this folder. */
export interface Scenario {
  readonly name: string
  /** What is compared with what, for a reader who sees only the figures. */
  readonly title: string
  run(): Promise<readonly Figure[]>
}

/** Undefined where there is no target. */
export function isMet({ value, target }: Figure): boolean | undefined {
  if (!target) return undefined
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast
}
