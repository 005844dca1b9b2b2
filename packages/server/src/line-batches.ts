/** A reader who waits for a line notices nothing of it. */
const EVERY_MS = 20
/** Characters. */
const MAX_BATCH = 64 * 1024
/** Of pino; from here on something went wrong, and the process may not live on for long. */
const WARN = 40
const METADATA: unique symbol = Symbol.for('pino.metadata')

/**
 * Gathers log lines, so that they are formatted and written many at a time, and while nobody waits for an answer: one by
 * one they took a fifth of what the server did for a small request. Warnings and worse wait for nothing.
 */
export class LineBatches {
  readonly #take: (lines: string[]) => void
  #lines: string[] = []
  #length = 0
  #timer: NodeJS.Timeout | undefined
  #ended = false
  /** Makes pino set {@link lastLevel} before it writes a line. */
  readonly [METADATA] = true
  lastLevel = 0

  /** @param take Is given lines in the order in which they were written, each with its line break. */
  constructor(take: (lines: string[]) => void) {
    this.#take = take
  }

  write(line: string): void {
    if (this.#ended) return
    this.#lines.push(line)
    this.#length += line.length
    if (this.lastLevel >= WARN || this.#length >= MAX_BATCH) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), EVERY_MS)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const lines = this.#lines
    this.#lines = []
    this.#length = 0
    if (lines.length > 0) this.#take(lines)
  }

  /** What is written from now on is lost. */
  end(): void {
    this.flush()
    this.#ended = true
  }
}
