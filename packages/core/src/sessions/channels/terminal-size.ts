import type { Clock } from '../../base/clock.js'
import { MAX_TERMINAL_SIDE, type TerminalSize } from '../../model/terminal.js'

const RESIZE_EVERY_MS = 100

/** What is outside is taken as the nearest that a terminal can have. */
export function toTerminalSize({ columns, rows }: TerminalSize): TerminalSize {
  return { columns: clamp(columns), rows: clamp(rows) }
}

function clamp(side: number): number {
  return Math.min(MAX_TERMINAL_SIDE, Math.max(1, side))
}

/** Passes on at most ten sizes a second, the newest always: who drags a window asks for hundreds. */
export class ResizePacer {
  readonly #clock: Clock
  readonly #send: (size: TerminalSize) => void
  #next: TerminalSize | undefined
  #cancel: (() => void) | undefined

  constructor(clock: Clock, send: (size: TerminalSize) => void) {
    this.#clock = clock
    this.#send = send
  }

  resize(size: TerminalSize): void {
    this.#next = size
    if (!this.#cancel) this.#sendNext()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#next = undefined
  }

  #sendNext(): void {
    this.#cancel = undefined
    if (!this.#next) return
    const size = this.#next
    this.#next = undefined
    this.#cancel = this.#clock.setTimer(RESIZE_EVERY_MS, () => this.#sendNext())
    this.#send(size)
  }
}
