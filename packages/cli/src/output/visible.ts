// Everything that can move the cursor, change what was printed or reverse the order of letters; but not the two
// joiners, which are part of words and emoji.
const INVISIBLE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
/** No language stacks more marks on a letter; what does is meant to overflow a screen. */
const TOO_MANY_MARKS = /(\p{M}{8})\p{M}+/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * Text that somebody else wrote, as one line that a terminal can be trusted with: control characters become what one
 * would type for them, such as `\x1b`.
 */
export function visible(text: string): string {
  return text.replace(INVISIBLE, escapeOf).replace(TOO_MANY_MARKS, '$1…')
}

/** The same for a line of a longer text, where tabs are harmless. */
export function visibleLine(line: string): string {
  return line.split('\t').map(visible).join('\t')
}

/** The same for text whose lines stay lines: those. */
export function visibleLines(text: string): string[] {
  return text.split(/\r?\n/).map(visibleLine)
}

/** JSON means the same with them escaped, and harms no terminal. */
export function escapeJson(json: string): string {
  return json.replace(INVISIBLE, (character) => (character === '\n' ? character : jsonEscapeOf(character)))
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return SHORT[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${hex(code, 4)}}`)
}

function jsonEscapeOf(character: string): string {
  return Array.from({ length: character.length }, (_, at) => `\\u${hex(character.charCodeAt(at), 4)}`).join(
    '',
  )
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
