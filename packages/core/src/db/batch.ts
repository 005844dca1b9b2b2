/** One whole transaction, known beforehand, as it is handed to the database. */

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
  | { readonly committed: false; readonly unit: number | null; readonly error: ReportedError }
  /** PostgreSQL only: the connection broke during COMMIT. */
  | { readonly committed: 'in doubt'; readonly error: unknown }

export interface ReportedError {
  readonly message: string
  readonly code: string | undefined
}

/** Code of a {@link ReportedError} when `mustTouch` was not met. */
export const TOUCHED_OTHERWISE = 'KROWN_TOUCHED_OTHERWISE'

export function toError({ message, code }: ReportedError): Error {
  return Object.assign(new Error(message), { code })
}
