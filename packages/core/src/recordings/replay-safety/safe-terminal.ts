import type { TerminalSize } from '../../model/terminal.js'
import { CombiningLimit } from './combining-limit.js'
import { type ControlSequence, type EscapeHandler, EscapeScanner } from './escape-scanner.js'

const ESC = '\u001b'
const CSI = `${ESC}[`
/** BS, HT, LF, VT, FF, CR, and the two that change between sets of characters. No bell, no ENQ, which asks for an answer. */
const CONTROLS = new Set([0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f])
/** Save and restore the cursor, line down, next line, tab stop, line up. */
const ESCAPES = new Set(['7', '8', 'D', 'E', 'H', 'M'])
/** Of sets of characters: ASCII, and lines for boxes. */
const CHARACTER_SETS = new Set(['0', 'B'])
const LEAST_RESET = `${CSI}0m${CSI}r${ESC}(B${CSI}H${CSI}2J`

/** What a number of a control sequence counts, so that none is larger than the terminal. */
type Bound = 'columns' | 'rows' | 'place' | 'none'
/** Cursor, erase, insert, delete, scroll, tabs, repeat. */
const BOUNDS: Readonly<Record<string, Bound>> = {
  A: 'rows',
  B: 'rows',
  C: 'columns',
  D: 'columns',
  E: 'rows',
  F: 'rows',
  G: 'columns',
  H: 'place',
  I: 'columns',
  J: 'none',
  K: 'none',
  L: 'rows',
  M: 'rows',
  P: 'columns',
  S: 'rows',
  T: 'rows',
  X: 'columns',
  Z: 'columns',
  '@': 'columns',
  '`': 'columns',
  a: 'columns',
  b: 'columns',
  d: 'rows',
  e: 'rows',
  f: 'place',
  g: 'none',
  r: 'rows',
  s: 'none',
  u: 'none',
}
/** How many numbers each may have; others one. */
const TWO = new Set(['H', 'f', 'r'])
const NONE = new Set(['s', 'u'])
/** Origin, autowrap, visible cursor, and the three ways to the other screen. No mouse, no paste, no key modes. */
const PRIVATE_MODES = new Set(['6', '7', '25', '47', '1047', '1048', '1049'])
/** Insert. */
const MODES = new Set(['4'])
const SGR = /^[0-9;:]*$/
const MAX_SGR_NUMBERS = 48
const MAX_SGR_NUMBER = 255

/**
 * Takes out of what a terminal was sent everything but text, colours, cursor, erasing, scrolling and the other screen:
 * a recording must not write to the clipboard, set a title, move a window, ring, print, change what keys and mouse
 * send, or make the terminal of who watches answer. What comes in pieces is one stream; memory is bounded.
 */
export class SafeTerminal implements EscapeHandler {
  readonly #scanner = new EscapeScanner(this)
  readonly #combining = new CombiningLimit()
  #size: TerminalSize

  /** @param size No cursor is moved further than that. */
  constructor(size: TerminalSize) {
    this.#size = size
  }

  resize(size: TerminalSize): void {
    this.#size = size
  }

  filter(text: string): string {
    return this.#scanner.scan(text)
  }

  text(text: string): string {
    return this.#combining.apply(text)
  }

  control(code: number): string {
    return CONTROLS.has(code) ? String.fromCharCode(code) : ''
  }

  escape(intermediates: string, final: string): string {
    if (intermediates === '') {
      // A whole reset would also forget what the watching person set up.
      if (final === 'c') return LEAST_RESET
      return ESCAPES.has(final) ? ESC + final : ''
    }
    const isSet = intermediates === '(' || intermediates === ')'
    return isSet && CHARACTER_SETS.has(final) ? ESC + intermediates + final : ''
  }

  sequence({ parameters, intermediates, final }: ControlSequence): string {
    if (intermediates !== '') return intermediates === '!' && final === 'p' ? `${CSI}!p` : ''
    if (final === 'm') return toSgr(parameters)
    if (final === 'h' || final === 'l') return toMode(parameters, final)
    const bound = BOUNDS[final]
    if (bound === undefined || !/^[0-9;]*$/.test(parameters)) return ''
    return this.#toMove(parameters, final, bound)
  }

  #toMove(parameters: string, final: string, bound: Bound): string {
    const given = parameters === '' ? [] : parameters.split(';')
    const most = TWO.has(final) ? 2 : NONE.has(final) ? 0 : 1
    if (given.length > most) return ''
    // Without the one that erases what scrolled off: that is not the recording's.
    if (final === 'J' && Number(given[0] ?? 0) > 2) return ''
    const numbers = given.map((number, index) => this.#clamp(number, bound, index))
    return `${CSI}${numbers.join(';')}${final}`
  }

  #clamp(number: string, bound: Bound, index: number): string {
    if (number === '') return ''
    const { columns, rows } = this.#size
    const most = { columns, rows, place: index === 0 ? rows : columns, none: 9 }[bound]
    return String(Math.min(Number(number), most))
  }
}

function toSgr(parameters: string): string {
  if (!SGR.test(parameters)) return ''
  const numbers = parameters.split(/[;:]/)
  if (numbers.length > MAX_SGR_NUMBERS) return ''
  return numbers.every((number) => Number(number) <= MAX_SGR_NUMBER) ? `${CSI}${parameters}m` : ''
}

function toMode(parameters: string, final: string): string {
  const isPrivate = parameters.startsWith('?')
  const known = isPrivate ? PRIVATE_MODES : MODES
  const modes = parameters
    .slice(isPrivate ? 1 : 0)
    .split(';')
    .filter((mode) => known.has(mode))
  return modes.length === 0 ? '' : `${CSI}${isPrivate ? '?' : ''}${[...new Set(modes)].join(';')}${final}`
}
