import type { PlayerRequest } from './player.js'
import { toRequests } from './replay-keys.js'

/** What somebody at the keyboard wants of a player, and the waiting for it. */
export class ReplayDesk {
  readonly #requests: PlayerRequest[] = []
  #wake: (() => void) | undefined

  /** Until they end. */
  async read(keys: AsyncIterable<Uint8Array>, durationMs: number | null): Promise<void> {
    for await (const piece of keys) this.ask(...toRequests(Buffer.from(piece).toString('utf8'), durationMs))
  }

  ask(...requests: readonly PlayerRequest[]): void {
    this.#requests.push(...requests)
    if (this.#requests.length > 0) this.#wake?.()
  }

  next(): PlayerRequest | undefined {
    return this.#requests.shift()
  }

  /** @returns How long it took, milliseconds. @param ms Undefined: until something is asked. */
  async wait(ms: number | undefined): Promise<number> {
    const began = performance.now()
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (ms !== undefined) timer = setTimeout(resolve, Math.min(ms, 2 ** 31 - 1))
      if (this.#requests.length > 0) resolve()
    })
    clearTimeout(timer)
    this.#wake = undefined
    return performance.now() - began
  }
}
