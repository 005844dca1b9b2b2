/**
 * Waits for promises that may stay open for hours, on behalf of many who may give up: whoever does leaves nothing
 * behind, which a `Promise.race` would until the promise settles.
 */
export class Waiting {
  readonly #rooms = new WeakMap<Promise<unknown>, Set<() => void>>()

  /** Resolves when `promise` settled, whichever way, or when `signal` aborts. */
  async until(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const room = this.#roomOf(promise)
    await new Promise<void>((resolve) => {
      const leave = () => {
        room.delete(leave)
        signal.removeEventListener('abort', leave)
        resolve()
      }
      room.add(leave)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #roomOf(promise: Promise<unknown>): Set<() => void> {
    const known = this.#rooms.get(promise)
    if (known) return known
    const room = new Set<() => void>()
    const open = () => {
      this.#rooms.delete(promise)
      for (const leave of room) leave()
    }
    this.#rooms.set(promise, room)
    promise.then(open, open)
    return room
  }
}
