export type LineState = 'typing' | 'done' | 'interrupted'

const ENTER = /[\r\n]/
const ERASE = /[\b\u007f]/
const ERASE_ALL = '\u0015'
const INTERRUPT = '\u0003'
const END = '\u0004'
const ESCAPE = '\u001b'
const CONTROL = /\p{Cc}/u
/** Ends what an arrow key and its like send: letters that nobody typed. */
const SEQUENCE_END = /[A-Za-z~]/

/** One line that is being typed. */
export class Line {
  readonly #echo: (text: string) => void
  #characters: string[] = []
  #inSequence = false

  constructor(echo: (text: string) => void) {
    this.#echo = echo
  }

  get text(): string {
    return this.#characters.join('')
  }

  press(key: string): LineState {
    if (this.#inSequence) {
      this.#inSequence = !SEQUENCE_END.test(key)
    } else if (ENTER.test(key)) {
      return 'done'
    } else if (key === INTERRUPT || (key === END && this.#characters.length === 0)) {
      return 'interrupted'
    } else if (key === ESCAPE) {
      this.#inSequence = true
    } else if (ERASE.test(key)) {
      this.#erase(1)
    } else if (key === ERASE_ALL) {
      this.#erase(this.#characters.length)
    } else if (!CONTROL.test(key)) {
      this.#characters.push(key)
      this.#echo(key)
    }
    return 'typing'
  }

  #erase(count: number): void {
    const erased = this.#characters.splice(Math.max(0, this.#characters.length - count))
    this.#echo('\b \b'.repeat(erased.length))
  }
}
