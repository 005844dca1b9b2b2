// Control characters in a log would be commands to the terminal that shows it.

/** Without the ones that JSON lets through: DEL and C1, of which CSI begins an escape sequence by itself. */
export function escapeC1(text: string): string {
  return text.replaceAll(/[\u007f-\u009f]/g, toEscape)
}

/** Without any but line breaks and tabs. */
export function escapeControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, toEscape)
}

function toEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
