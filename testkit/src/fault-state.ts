export interface FaultCounters {
  connections: number
  bytesToTarget: number
  bytesToClient: number
  /** By `blackhole`. */
  bytesSwallowed: number
  /** Connections that a cut ended. */
  cuts: number
}

export type Direction = 'to-target' | 'to-client'

/** A cut waiting for its moment; taken away once it has happened. */
export type Cut = BytesCut | PatternCut

export interface BytesCut {
  kind: 'bytes'
  bytes: number
  direction: Direction
  done: () => void
}

export interface PatternCut {
  kind: 'pattern'
  pattern: Buffer
  delivered: boolean
  done: () => void
}

/** What the links of a proxy look at for every chunk. */
export interface FaultState {
  readonly target: { host: string; port: number }
  readonly counters: FaultCounters
  swallowing: boolean
  latencyMs: number
  cut: Cut | undefined
}
