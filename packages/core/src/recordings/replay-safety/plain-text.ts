import { CombiningLimit } from './combining-limit.js'
import { type ControlSequence, type EscapeHandler, EscapeScanner } from './escape-scanner.js'

const MAX_SPACES = 1_000
/** They put the cursor into another line, or clear the screen. */
const ELSEWHERE = new Set(['A', 'B', 'E', 'F', 'H', 'J', 'd', 'f'])

/**
 * What a terminal was sent, as text without any escape sequence: lines end with LF, and where the cursor went to another
 * line one begins. Of programs that draw on the whole screen that is no picture, but every word is in it.
 */
export class PlainText implements EscapeHandler {
  readonly #scanner = new EscapeScanner(this)
  readonly #combining = new CombiningLimit()
  #column = 0
  #afterReturn = false

  filter(text: string): string {
    return this.#scanner.scan(text)
  }

  text(text: string): string {
    this.#column += text.length
    return this.#afterReturn ? this.#newLine() + this.#combining.apply(text) : this.#combining.apply(text)
  }

  control(code: number): string {
    if (code === 0x09) return this.text('\t')
    if (code === 0x0d) {
      this.#afterReturn = this.#column > 0
      return ''
    }
    if (code !== 0x0a && code !== 0x0b && code !== 0x0c) return ''
    this.#afterReturn = false
    this.#column = 0
    return '\n'
  }

  escape(intermediates: string, final: string): string {
    return intermediates === '' && (final === 'E' || final === 'c') ? this.#elsewhere() : ''
  }

  sequence({ parameters, intermediates, final }: ControlSequence): string {
    if (intermediates !== '' || !/^[0-9;]*$/.test(parameters)) return ''
    if (final === 'C')
      return this.text(' '.repeat(Math.min(Number.parseInt(parameters, 10) || 1, MAX_SPACES)))
    return ELSEWHERE.has(final) ? this.#elsewhere() : ''
  }

  #elsewhere(): string {
    return this.#column > 0 ? this.#newLine(0) : ''
  }

  // What was returned over stays: it was shown.
  #newLine(column = this.#column): string {
    this.#afterReturn = false
    this.#column = column
    return '\n'
  }
}
