/** What is counted towards limits that all processes share; unused on SQLite, where there is one process. */
export interface RateLimitsTable {
  /** What is counted, and a hash of whose. */
  key: string
  points: number
  /** Epoch milliseconds; counts nothing afterwards. */
  expire: number
}
