/** What a listener needs of an `AbortSignal`; every one is a stop signal too. */
export interface StopSignal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void, options?: { once: true }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/**
 * Stops what listens to it. For what is made for each command: to make an `AbortController` and to listen to it takes
 * longer than to hash, write and link its journal entry.
 */
export class StopController implements StopSignal {
  #listeners: (() => void)[] | undefined
  #aborted = false
  #reason: unknown

  get aborted(): boolean {
    return this.#aborted
  }

  get reason(): unknown {
    return this.#reason
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason
  }

  /** The first reason counts. */
  abort(reason: unknown): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason
    // One by one: a listener may send another away.
    for (let listener = this.#listeners?.shift(); listener; listener = this.#listeners?.shift()) listener()
  }

  // Nothing is heard twice: it aborts once.
  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.#aborted) return
    this.#listeners ??= []
    this.#listeners.push(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const index = this.#listeners?.indexOf(listener) ?? -1
    if (index >= 0) this.#listeners?.splice(index, 1)
  }
}
