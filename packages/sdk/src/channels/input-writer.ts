import { piecesOf } from './channel-socket.js'

/** Where input goes. */
export interface InputSink {
  type(data: Uint8Array): void
}

/** So much is on its way at most; the server takes twice as much before it stops listening. */
const MAX_UNDER_WAY_BYTES = 512 * 1024

/** One text on its way: bytes `start` to `end` of everything that was typed. */
class Typed {
  readonly start: number
  readonly end: number
  readonly taken: Promise<void>
  isSettled = false
  #resolve: () => void = () => {}
  #reject: (error: unknown) => void = () => {}

  constructor(start: number, end: number) {
    this.start = start
    this.end = end
    this.taken = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Whoever waits for it hears of it.
    this.taken.catch(() => {})
  }

  succeed(): void {
    this.isSettled = true
    this.#resolve()
  }

  fail(error: unknown): void {
    this.isSettled = true
    this.#reject(error)
  }
}

/** Input over one attachment, in order: knows what the target took. */
export class InputWriter {
  readonly #sink: InputSink
  #sent = 0
  #done = 0
  #underWay: Typed[] = []
  #roomAgain: (() => void) | undefined

  constructor(sink: InputSink) {
    this.#sink = sink
  }

  /** Resolves when all of it is on its way; only one at a time. @returns Settles when the target took it, or not. */
  async send(data: Uint8Array): Promise<{ taken: Promise<void> }> {
    const typed = new Typed(this.#sent, this.#sent + data.length)
    if (data.length === 0) typed.succeed()
    else this.#underWay.push(typed)
    for (const piece of piecesOf(data)) {
      while (!typed.isSettled && this.#isFullFor(piece)) await this.#room()
      // Lost or refused: half of it is enough.
      if (typed.isSettled) break
      this.#sink.type(piece)
      this.#sent += piece.length
    }
    return { taken: typed.taken }
  }

  /** The server dealt with everything before this. */
  taken(offset: number): void {
    this.#moved(offset)
  }

  /** It refused the frame that ends there. */
  refused(offset: number, error: unknown): void {
    const typed = this.#underWay.find(({ start, end }) => start < offset && offset <= end)
    typed?.fail(error)
    this.#moved(offset)
  }

  /** Whether the rest arrived is not known. */
  lose(error: unknown): void {
    for (const typed of this.#underWay) typed.fail(error)
    this.#underWay = []
    this.#roomAgain?.()
  }

  #moved(offset: number): void {
    this.#done = Math.max(this.#done, offset)
    for (const typed of this.#underWay) if (typed.end <= this.#done && !typed.isSettled) typed.succeed()
    this.#underWay = this.#underWay.filter(({ isSettled }) => !isSettled)
    this.#roomAgain?.()
  }

  #isFullFor(piece: Uint8Array): boolean {
    return this.#sent + piece.length - this.#done > MAX_UNDER_WAY_BYTES
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#roomAgain = resolve
    })
  }
}
