import type { Io } from '../io.js'

const WIDTH = 24
const ERASE_LINE = '\r\u001b[K'

/** How far something is, as a bar on a terminal; elsewhere nothing. */
export class Progress implements Disposable {
  readonly #io: Pick<Io, 'stderr' | 'env'>
  readonly #total: number
  readonly #isShown: boolean

  constructor(io: Pick<Io, 'stderr' | 'env'>, options: { total: number; json: boolean }) {
    this.#io = io
    this.#total = options.total
    this.#isShown = Boolean(io.stderr.isTTY) && io.env.TERM !== 'dumb' && !options.json
  }

  show(done: number): void {
    if (this.#isShown) this.#io.stderr.write(`${ERASE_LINE}${formatBar(done, this.#total)}`)
  }

  [Symbol.dispose](): void {
    if (this.#isShown) this.#io.stderr.write(ERASE_LINE)
  }
}

/** `[######------------------] 16/64`. */
export function formatBar(done: number, total: number): string {
  const full = total === 0 ? WIDTH : Math.floor((Math.min(done, total) / total) * WIDTH)
  return `[${'#'.repeat(full)}${'-'.repeat(WIDTH - full)}] ${done}/${total}`
}
