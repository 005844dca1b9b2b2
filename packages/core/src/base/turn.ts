/** Longer than this nobody keeps the event loop to oneself. */
const LONGEST_MS = 10

/** The turn of work that goes on for long without waiting for anything. */
export class Turn {
  #began = performance.now()

  /** Lets others have theirs when this one took long enough. */
  async end(): Promise<void> {
    if (performance.now() - this.#began < LONGEST_MS) return
    await new Promise((resolve) => setImmediate(resolve))
    this.#began = performance.now()
  }
}
