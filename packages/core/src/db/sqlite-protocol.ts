/** What travels between the main thread and the thread that holds the SQLite database. */

export interface Statement {
  readonly sql: string
  readonly parameters: readonly unknown[]
  /** The batch fails unless the statement changes, or finds, exactly so many rows. */
  readonly mustTouch?: number
}

/** Statements that commit together or not at all; `units` fail one by one, `tail` only as a whole. */
export interface Batch {
  readonly units: readonly (readonly Statement[])[]
  readonly tail: readonly Statement[]
}

export type BatchResult =
  | { readonly committed: true }
  /** Nothing was written. `unit` is the index of the unit at fault, or null when it was none of them. */
  | { readonly committed: false; readonly unit: number | null; readonly error: ThreadError }
  /** PostgreSQL only: the connection broke during COMMIT. */
  | { readonly committed: 'in doubt'; readonly error: unknown }

export interface ThreadError {
  readonly message: string
  readonly code: string | undefined
}

/** Code of a {@link ThreadError} when `mustTouch` was not met. */
export const TOUCHED_OTHERWISE = 'KROWN_TOUCHED_OTHERWISE'

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
  | { readonly id: number; readonly ok: false; readonly error: ThreadError }

export interface ThreadData {
  readonly file: string
  /** With `read` every change is refused. */
  readonly access: 'read' | 'write'
}
