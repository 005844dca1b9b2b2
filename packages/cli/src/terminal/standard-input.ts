import { usageError } from '../cli-error.js'

/** Longer than any password may be; who pipes more in has the wrong file. */
const MAX_LINE_BYTES = 4096
const NEWLINE = 0x0a

/** Standard input as a first line, which may be a secret, and the rest, which may be anything. */
export class StandardInput {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(stdin: AsyncIterable<Uint8Array>) {
    this.#chunks = stdin[Symbol.asyncIterator]()
  }

  /** Without its end of line. @throws CliError when it is empty or too long for a secret. */
  async firstLine(what: string): Promise<string> {
    let isOver = false
    while (!isOver && !this.#rest.includes(NEWLINE) && this.#rest.length <= MAX_LINE_BYTES) {
      const { value, done } = await this.#chunks.next()
      isOver = done ?? false
      if (!isOver) this.#rest = Buffer.concat([this.#rest, value])
    }
    const end = this.#rest.includes(NEWLINE) ? this.#rest.indexOf(NEWLINE) : this.#rest.length
    if (end > MAX_LINE_BYTES) throw usageError(`${what} is too long`)
    const line = this.#rest.toString('utf8', 0, end).replace(/\r$/, '')
    this.#rest = this.#rest.subarray(end + 1)
    if (line === '') throw usageError(`${what} is missing: the first line of standard input is empty`)
    return line
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    if (this.#rest.length > 0) yield this.#rest
    for (let next = await this.#chunks.next(); !next.done; next = await this.#chunks.next()) yield next.value
  }
}
