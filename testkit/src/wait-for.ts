const INTERVAL_MS = 5

export interface WaitOptions {
  /** Ends the sentence `timed out waiting for …`. */
  what: string
  /** Default 5000. */
  timeoutMs?: number
}

type Truthy<T> = Exclude<T, false | null | undefined | 0 | ''>

/**
 * Polls until `predicate` gives a truthy value and returns it. For states of another process that send no event;
 * where there is an event, wait for that.
 *
 * @throws Error with `what` after `timeoutMs`, or whatever the predicate throws.
 */
export async function waitFor<T>(predicate: () => T | Promise<T>, options: WaitOptions): Promise<Truthy<T>> {
  const { what, timeoutMs = 5000 } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await predicate()
    if (value) return value as Truthy<T>
    if (performance.now() >= deadline) throw new Error(`timed out waiting for ${what}`)
    await new Promise<void>((resolve) => setTimeout(resolve, INTERVAL_MS).unref())
  }
}
