import type { Batch, BatchResult, ReportedError } from './batch.js'

/** What travels between the main thread and the thread that holds the SQLite database. */

export type ThreadRequest =
  | {
      readonly id: number
      readonly kind: 'query'
      readonly sql: string
      readonly parameters: readonly unknown[]
    }
  | { readonly id: number; readonly kind: 'batch'; readonly batch: Batch }
  | { readonly id: number; readonly kind: 'close' }

export interface QueryAnswer {
  readonly rows: unknown[]
  readonly changes: number | undefined
}

export type ThreadResponse =
  | { readonly id: number; readonly ok: true; readonly value: QueryAnswer | BatchResult | null }
  | { readonly id: number; readonly ok: false; readonly error: ReportedError }

export interface ThreadData {
  readonly file: string
  /** With `read` every change is refused. */
  readonly access: 'read' | 'write'
}
