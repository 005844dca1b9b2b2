import type { CastEvent, CastHeader } from './cast.js'

/** What somebody at the keyboard wants. Positions are milliseconds since the recording began. */
export type PlayerRequest =
  | { readonly kind: 'pause' }
  | { readonly kind: 'quit' | 'interrupt' }
  | { readonly kind: 'move'; readonly byMs: number }
  | { readonly kind: 'jump'; readonly toMs: number }

export interface PlayerParts {
  /** The recording from there on; its events count from there. */
  open(fromMs: number): AsyncIterable<{ header: CastHeader } | CastEvent>
  /** Makes the screen empty: it is drawn anew. */
  clear(): Promise<void>
  resized(size: CastHeader): Promise<void>
  show(text: string): Promise<void>
  /** Resolves after that time, or when there is a request. @param ms Undefined: only then. @returns What passed. */
  wait(ms: number | undefined): Promise<number>
  /** The next request, if there is one. */
  next(): PlayerRequest | undefined
}

export interface PlayerOptions {
  readonly fromMs: number
  readonly speed: number
  /** Longer waits are this long. */
  readonly idleLimitMs: number
}

export type PlayerEnding = 'ended' | 'quit' | 'interrupt'

type Step = { readonly to: number } | PlayerEnding | 'go on'

/** Plays a recording: waits as long as it did, and does what is asked meanwhile. Holds one piece of it at a time. */
export class Player {
  readonly #parts: PlayerParts
  readonly #options: PlayerOptions
  #positionMs: number
  #isPaused = false

  constructor(parts: PlayerParts, options: PlayerOptions) {
    this.#parts = parts
    this.#options = options
    this.#positionMs = options.fromMs
  }

  async play(): Promise<PlayerEnding> {
    for (;;) {
      const step = await this.#playFrom(this.#positionMs)
      if (step === 'go on') return 'ended'
      if (typeof step === 'string') return step
      this.#positionMs = step.to
    }
  }

  async #playFrom(fromMs: number): Promise<Step> {
    await this.#parts.clear()
    for await (const event of this.#parts.open(fromMs)) {
      if ('header' in event) {
        await this.#parts.resized(event.header)
        continue
      }
      const step = await this.#waitUntil(fromMs + event.atMs)
      if (step !== 'go on') return step
      if (event.code === 'o') await this.#parts.show(event.data)
      else if (event.code === 'r') await this.#parts.resized(toSize(event.data))
    }
    return 'go on'
  }

  async #waitUntil(atMs: number): Promise<Step> {
    const { speed, idleLimitMs } = this.#options
    this.#positionMs = Math.max(this.#positionMs, atMs - idleLimitMs)
    for (;;) {
      const step = this.#heedRequests()
      if (step !== 'go on' || this.#positionMs >= atMs) return step
      if (this.#isPaused) await this.#parts.wait(undefined)
      else {
        const passedMs = await this.#parts.wait((atMs - this.#positionMs) / speed)
        this.#positionMs = Math.min(this.#positionMs + passedMs * speed, atMs)
      }
    }
  }

  #heedRequests(): Step {
    for (let request = this.#parts.next(); request; request = this.#parts.next()) {
      if (request.kind === 'quit' || request.kind === 'interrupt') return request.kind
      const to = this.#heed(request)
      if (to < this.#positionMs) return { to }
      // What comes before is shown at once.
      this.#positionMs = to
    }
    return 'go on'
  }

  /** @returns Where to be. */
  #heed(request: PlayerRequest): number {
    if (request.kind === 'pause') this.#isPaused = !this.#isPaused
    if (request.kind === 'move') return Math.max(this.#positionMs + request.byMs, 0)
    return request.kind === 'jump' ? request.toMs : this.#positionMs
  }
}

function toSize(text: string): CastHeader {
  const [columns = 80, rows = 24] = text.split('x').map(Number)
  return { columns, rows }
}
