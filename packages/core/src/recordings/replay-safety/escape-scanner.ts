/** What a {@link EscapeScanner} makes of what it finds; each returns what stands for it. */
export interface EscapeHandler {
  /** Printable text. */
  text(text: string): string
  /** One of the C0 controls, ESC not among them. */
  control(code: number): string
  /** ESC, `intermediates` of 0x20 to 0x2f, `final`: ECMA-48 calls it an escape sequence. */
  escape(intermediates: string, final: string): string
  /** Of a control sequence: CSI, `parameters` of 0x30 to 0x3f, `intermediates`, `final`. */
  sequence(sequence: ControlSequence): string
}

export interface ControlSequence {
  readonly parameters: string
  readonly intermediates: string
  readonly final: string
}

type State = 'ground' | 'escape' | 'sequence' | 'overlong' | 'string' | 'string escape'

const ESC = '\u001b'
/** No sequence that anybody means is so long; a longer one is thrown away whole. */
const MAX_SEQUENCE = 256
// OSC, DCS, SOS, PM and APC: text for the terminal, up to ST or, of OSC, BEL.
const STRING_STARTS = new Set([']', 'P', 'X', '^', '_'])
/**
 * Finds the escape sequences in what a terminal was sent, in pieces of any size, and holds no more of it than the
 * beginning of one sequence. The strings of OSC, DCS, SOS, PM and APC come to nobody: they are what attacks are made of.
 */
export class EscapeScanner {
  readonly #handler: EscapeHandler
  // Not shared: they remember where they are.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  readonly #printable = /[^\u0000-\u001f\u007f-\u009f]+/y
  // biome-ignore lint/suspicious/noControlCharactersInRegex: likewise
  readonly #untilStringEnd = /[^\u0007\u0018\u001a\u001b\u009c]+/y
  #state: State = 'ground'
  #sequence = ''
  /** An OSC may end with BEL. */
  #endsWithBell = false

  constructor(handler: EscapeHandler) {
    this.#handler = handler
  }

  /** @returns What the handler made of it. */
  scan(input: string): string {
    let out = ''
    let at = 0
    while (at < input.length) {
      const run = this.#runAt(input, at)
      if (run > 0) {
        if (this.#state === 'ground') out += this.#handler.text(input.slice(at, at + run))
        at += run
        continue
      }
      out += this.#take(input.charAt(at))
      at += 1
    }
    return out
  }

  /** Length of what needs no looking at, one by one. */
  #runAt(input: string, at: number): number {
    const pattern =
      this.#state === 'ground' ? this.#printable : this.#state === 'string' ? this.#untilStringEnd : undefined
    if (!pattern) return 0
    pattern.lastIndex = at
    return pattern.test(input) ? pattern.lastIndex - at : 0
  }

  #take(char: string): string {
    if (this.#state === 'string' || this.#state === 'string escape') return this.#takeOfString(char)
    if (char === ESC) return this.#begin('escape')
    const code = char.charCodeAt(0)
    if (code >= 0x80 && code <= 0x9f) return this.#takeC1(code)
    if (this.#state === 'ground') return this.#handler.control(code)
    // CAN and SUB end a sequence; terminals do what other controls say, in the middle of it.
    if (code < 0x20)
      return code === 0x18 || code === 0x1a ? this.#begin('ground') : this.#handler.control(code)
    return this.#state === 'escape' ? this.#takeOfEscape(char) : this.#takeOfSequence(char, code)
  }

  // The controls of 0x80 to 0x9f are an ESC and a letter in one.
  #takeC1(code: number): string {
    this.#begin('escape')
    return this.#takeOfEscape(String.fromCharCode(code - 0x40))
  }

  #takeOfEscape(char: string): string {
    if (this.#sequence === '') {
      if (char === '[') return this.#begin('sequence')
      if (STRING_STARTS.has(char)) {
        this.#endsWithBell = char === ']'
        return this.#begin('string')
      }
    }
    if (char >= ' ' && char <= '/' && this.#sequence.length < MAX_SEQUENCE) {
      this.#sequence += char
      return ''
    }
    const intermediates = this.#sequence
    this.#begin('ground')
    return char >= '0' && char <= '~' ? this.#handler.escape(intermediates, char) : ''
  }

  #takeOfSequence(char: string, code: number): string {
    if (code < 0x40) {
      if (this.#sequence.length >= MAX_SEQUENCE) this.#state = 'overlong'
      else this.#sequence += char
      return ''
    }
    const whole =
      this.#state === 'sequence' && code <= 0x7e ? /^([0-?]*)([ -/]*)$/.exec(this.#sequence) : null
    this.#begin('ground')
    if (!whole) return ''
    const [, parameters = '', intermediates = ''] = whole
    return this.#handler.sequence({ parameters, intermediates, final: char })
  }

  #takeOfString(char: string): string {
    if (this.#state === 'string escape') {
      if (char === '\\') return this.#begin('ground')
      // Whatever else ends the string too, and is the beginning of something.
      this.#begin('escape')
      return this.#take(char)
    }
    if (char === ESC) this.#state = 'string escape'
    else if (char !== '\u0007' || this.#endsWithBell) this.#begin('ground')
    return ''
  }

  #begin(state: State): '' {
    this.#state = state
    this.#sequence = ''
    return ''
  }
}
