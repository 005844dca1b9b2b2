/** What is counted. Names of one kind have nothing to do with those of another. */
export type LimitKind =
  | 'login_account'
  | 'login_account_from_known'
  | 'login_address'
  | 'known_address'
  | 'registration'
  | 'session_open'
  | 'host_key_probe'
  | 'adhoc_host'
  | 'new_adhoc_host'

export interface LimitKey {
  readonly kind: LimitKind
  /** Whose; may be anything that a caller sent. */
  readonly name: string
}

export interface LimitWindow {
  readonly limit: number
  readonly windowMs: number
}

export interface Count {
  readonly points: number
  /** Milliseconds until it is forgotten. */
  readonly leftMs: number
}

/** What became of a failure: counted, with the lock that it causes (0 for none), or refused for so long. */
export type FailureCount =
  | { readonly counted: true; readonly locksForMs: number }
  | { readonly counted: false; readonly waitMs: number }

/** Where counts are kept: in this process, or shared by all. @throws KrownError UNAVAILABLE, from everything. */
export interface LimitStore {
  /** In the order of the keys; undefined for what is not counted. */
  read(keys: readonly LimitKey[]): Promise<(Count | undefined)[]>
  /**
   * Counts one in a window, which begins with the first.
   *
   * @returns 0, or when the limit is reached the milliseconds until the window ends; then nothing is counted.
   */
  count(key: LimitKey, window: LimitWindow): Promise<number>
  /** Counts a failure with a lock that grows; see `lockMs`. Checks and counts at once. */
  countFailure(key: LimitKey, window: LimitWindow): Promise<FailureCount>
  /** What `count` counted last was not meant. */
  takeBack(key: LimitKey): Promise<void>
  /** What `countFailure` counted last was none; a lock that it caused ends. */
  takeBackFailure(key: LimitKey, window: LimitWindow): Promise<void>
  remember(key: LimitKey, forMs: number): Promise<void>
  forget(key: LimitKey): Promise<void>
  /** Deletes what has expired. */
  purge(): Promise<void>
}

export const FIRST_LOCK_MS = 1_000

/**
 * For how long so many failures lock: from the limit on each for twice as long as the one before, from a second up to
 * a whole window, so that nobody is locked out for ever. Failures are forgotten a window after the lock.
 */
export function lockMs(failures: number, { limit, windowMs }: LimitWindow): number {
  if (failures < limit) return 0
  return Math.min(FIRST_LOCK_MS * 2 ** (failures - limit), windowMs)
}

/** Milliseconds until what is counted by `countFailure` may be tried again; 0 when it may now. */
export function lockedForMs(count: Count | undefined, { limit, windowMs }: LimitWindow): number {
  return count && count.points >= limit ? Math.max(0, count.leftMs - windowMs) : 0
}

/** Milliseconds until what is counted by `count` is below the limit again; 0 when it is now. */
export function fullForMs(count: Count | undefined, { limit }: LimitWindow): number {
  return count && count.points >= limit ? count.leftMs : 0
}
