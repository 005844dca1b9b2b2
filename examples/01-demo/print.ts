import picocolors from 'picocolors'

// picocolors also colours for a CI without a terminal; nobody reads escape sequences in a file.
const colors = picocolors.createColors(process.stdout.isTTY === true && picocolors.isColorSupported)

export const { bold, cyan, dim, green, red, yellow } = colors

const NAME_WIDTH = 12

export function heading(text: string): void {
  console.log(`\n${bold(text)}`)
}

/** One line of a table of two columns. */
export function fact(name: string, value: string): void {
  console.log(`  ${dim(name.padEnd(NAME_WIDTH))}${value}`)
}

/** Lines below something, each in the same colour. */
export function indented(text: string, color: (line: string) => string): void {
  for (const line of text.trimEnd().split('\n')) console.log(`      ${color(line)}`)
}
