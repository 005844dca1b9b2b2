const [ESC, BEL, CAN, SUB] = ['\u001b', '\u0007', '\u0018', '\u001a']
/** Move within the page or end a line; the rest rings, answers or does nothing. */
const KEPT_CONTROLS = new Set('\b\t\n\v\f\r\u000e\u000f')
const C1 = /[\u0080-\u009f]/
/** Begin what has an end of its own: titles, clipboards, requests, pictures. */
const STRINGS = new Set(']PX^_')
/** Cursor, erasing, inserting, deleting, scrolling, repeating, tabs, colours, scroll region. */
const KEPT_FINALS = /^[\d;:]*[@A-PSTXZ`abdefghlmrsu]$/
/** A soft reset, and the shape of the cursor. */
const KEPT_SPECIAL = /^(?:!p|\d? q)$/
const PRIVATE_MODES = /^\?([\d;]*)([hl])$/
/** Reverse video, origin, wrapping, cursor, alternate screens, output that belongs together. */
const PICTURE_MODES = new Set(['5', '6', '7', '12', '25', '47', '1047', '1048', '1049', '2026'])
/** How keys, mouse and pasted text are sent: for who types. */
const TYPING_MODES = new Set(['1', '9', '66', '1000', '1002', '1003', '1004', '1005', '1006', '1015', '2004'])
/** Save, restore, index, next line, tab, reverse index, reset. */
const KEPT_ESCAPES = new Set('78DEHMc')
const KEYPAD = new Set('=>')
/** Which letters there are; and the alignment test. */
const KEPT_SELECTIONS = /^[()*+][0-9A-Za-z<>]$|^#[3-68]$/
const MAX_SEQUENCE = 256
const MARK = /\p{M}/u
/** No language stacks more on a letter. */
const MAX_MARKS = 8

type State = 'text' | 'escape' | 'selection' | 'sequence' | 'string' | 'string-escape'

/**
 * Output of others as this terminal can be trusted with it: what paints stays, what would have the terminal answer, set
 * clipboards or titles, print or ring is left out. Text is UTF-8; what is not is shown as U+FFFD.
 */
export class HarmlessOutput {
  readonly #decoder = new TextDecoder()
  readonly #modes: ReadonlySet<string>
  readonly #escapes: ReadonlySet<string>
  readonly #taking: Readonly<Record<State, (character: string) => string>> = {
    text: (character) => this.#takeText(character),
    escape: (character) => this.#takeEscape(character),
    selection: (character) => takeControl(character) ?? this.#takeSelection(character),
    sequence: (character) => takeControl(character) ?? this.#takeSequence(character),
    string: (character) => this.#takeString(character),
    'string-escape': (character) => this.#takeStringEscape(character),
  }
  #state: State = 'text'
  #sequence = ''
  #marks = 0

  /** @param forTyping What decides how keys are sent stays as well. */
  constructor({ forTyping }: { forTyping: boolean }) {
    this.#modes = forTyping ? new Set([...PICTURE_MODES, ...TYPING_MODES]) : PICTURE_MODES
    this.#escapes = forTyping ? new Set([...KEPT_ESCAPES, ...KEYPAD]) : KEPT_ESCAPES
  }

  /** What is left of `output`; an unfinished sequence is waited for. */
  filter(output: Uint8Array): string {
    let kept = ''
    for (const character of this.#decoder.decode(output, { stream: true })) kept += this.#take(character)
    return kept
  }

  #take(character: string): string {
    // Anywhere they begin or break off a sequence.
    if (character === CAN || character === SUB) return this.#enter('text')
    if (character === ESC) return this.#enter(this.#state === 'string' ? 'string-escape' : 'escape')
    return this.#taking[this.#state](character)
  }

  #takeString(character: string): string {
    return character === BEL ? this.#enter('text') : ''
  }

  #takeStringEscape(character: string): string {
    return character === '\\' ? this.#enter('text') : this.#takeEscape(character)
  }

  #takeText(character: string): string {
    const control = takeControl(character)
    if (control !== undefined) return control
    if (C1.test(character)) return ''
    this.#marks = character > '\u02ff' && MARK.test(character) ? this.#marks + 1 : 0
    return this.#marks > MAX_MARKS ? '' : character
  }

  #takeEscape(character: string): string {
    this.#sequence = ''
    if (character === '[') return this.#enter('sequence')
    if (STRINGS.has(character)) return this.#enter('string')
    if (character >= ' ' && character <= '/') {
      this.#sequence = character
      return this.#enter('selection')
    }
    this.#enter('text')
    return this.#escapes.has(character) ? ESC + character : ''
  }

  #takeSelection(character: string): string {
    this.#enter('text')
    const selection = this.#sequence + character
    return KEPT_SELECTIONS.test(selection) ? ESC + selection : ''
  }

  #takeSequence(character: string): string {
    // One that is too long is left out, to its end.
    if (this.#sequence.length < MAX_SEQUENCE) this.#sequence += character
    if (character < '@' || character > '~') return ''
    this.#enter('text')
    const kept = this.#keptOf(this.#sequence)
    return kept === undefined ? '' : `${ESC}[${kept}`
  }

  #keptOf(sequence: string): string | undefined {
    const [, modes, letter] = PRIVATE_MODES.exec(sequence) ?? []
    if (modes === undefined) {
      return KEPT_FINALS.test(sequence) || KEPT_SPECIAL.test(sequence) ? sequence : undefined
    }
    const kept = modes.split(';').filter((mode) => this.#modes.has(mode))
    return kept.length > 0 ? `?${kept.join(';')}${letter}` : undefined
  }

  #enter(state: State): '' {
    this.#state = state
    return ''
  }
}

/** Undefined for what is none. */
function takeControl(character: string): string | undefined {
  if (character >= ' ') return undefined
  return KEPT_CONTROLS.has(character) ? character : ''
}
