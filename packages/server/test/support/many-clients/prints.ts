import { type Dice, diceOf } from './dice.js'

/** Sessions of seven commands each, and one more whose only command changes its stream more often than is held. */
export const SESSIONS = 7
export const COMMANDS_EACH = 7
export const CHATTY = 'print chatty'

/** What one command prints. */
export interface Print {
  readonly bytes: Buffer
  /** Null: each piece on the other stream than the one before. */
  readonly stream: 'stdout' | 'stderr' | null
  /** Where the target cuts it, characters or not. */
  readonly ends: readonly number[]
  /** It changes streams more often than the server holds: events are lost that nobody can tell apart any more. */
  readonly outlivesLog: boolean
}

/** Random text with characters of one to four bytes; with noise also bytes that are no text. */
function printOf(dice: Dice, size: number, noise: boolean): Print {
  const parts: Buffer[] = []
  for (let length = 0; length < size; ) {
    const kind = dice.upTo(noise ? 40 : 39)
    const text = kind < 5 ? '€'.repeat(dice.upTo(20)) : kind < 8 ? '\u{1d11e}ü' : ''
    const line = `${text}${dice.upTo(2 ** 30).toString(36)}\n`
    const part = kind === 40 ? Buffer.from([0xe2, 0x82, dice.upTo(255)]) : Buffer.from(line)
    parts.push(part)
    length += part.length
  }
  const ends: number[] = []
  for (let end = 0; end < size; ends.push(end)) end = Math.min(size, end + dice.between(1, size / 7))
  const stream = dice.upTo(3) === 0 ? 'stderr' : 'stdout'
  return { bytes: Buffer.concat(parts).subarray(0, size), stream, ends, outlivesLog: false }
}

/** The order of two streams is nobody's promise: it prints the same line on both. */
function chattyPrint(): Print {
  const line = 'the same line – on both streams\n'
  const bytes = Buffer.from(line.repeat(3000))
  const ends = Array.from({ length: 3000 }, (_, index) => (index + 1) * Buffer.byteLength(line))
  return { bytes, stream: null, ends, outlivesLog: true }
}

export function allPrints(): Map<string, Print> {
  const prints = new Map([[CHATTY, chattyPrint()]])
  for (let index = 0; index < SESSIONS * COMMANDS_EACH; index += 1) {
    const dice = diceOf(10_000 + index)
    const isLarge = index % COMMANDS_EACH === 0
    const size = isLarge ? dice.between(200 * 1024, 300 * 1024) : dice.between(1024, 48 * 1024)
    prints.set(`print ${index}`, printOf(dice, size, dice.upTo(4) === 0))
  }
  return prints
}
