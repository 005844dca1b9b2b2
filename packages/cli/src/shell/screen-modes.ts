/** Private modes that a terminal has on by itself: it wraps lines and shows its cursor. */
const ON_BY_DEFAULT = new Set([7, 25])
const ESC = '\u001b'
const MODES = new RegExp(`${ESC}(?:\\[\\?([\\d;]{1,64})([hl])|(c))`, 'g')
const BEGINNING = new RegExp(`${ESC}(?:\\[(?:\\?[\\d;]{0,64})?)?$`)
/** What has no such mode: scroll region, keypad, character sets, insert mode, reports of keys, colours. */
const ALWAYS = '\u001b7\u001b[r\u001b8\u001b>\u001b(B\u000f\u001b[4l\u001b[>4m\u001b[<u\u001b[0m'

/** Follows what a program turns on in the terminal, so that it can be turned off when the program no longer can. */
export class ScreenModes {
  readonly #changed = new Map<number, boolean>()
  #unfinished = ''

  /** @returns Whether anything changed. */
  follow(output: Uint8Array): boolean {
    const text =
      this.#unfinished + Buffer.from(output.buffer, output.byteOffset, output.length).toString('latin1')
    this.#unfinished = BEGINNING.exec(text.slice(-70))?.[0] ?? ''
    let isChanged = false
    for (const [, modes, letter, isReset] of text.matchAll(MODES)) {
      isChanged = true
      if (isReset) this.#changed.clear()
      else for (const mode of (modes ?? '').split(';')) this.#set(Number(mode), letter === 'h')
    }
    return isChanged
  }

  /** What brings the terminal back to how it was, with the cursor where it is. */
  get reset(): string {
    const modes = [...this.#changed].map(([mode, isOn]) => `\u001b[?${mode}${isOn ? 'l' : 'h'}`)
    return modes.join('') + ALWAYS
  }

  #set(mode: number, isOn: boolean): void {
    if (isOn === ON_BY_DEFAULT.has(mode)) this.#changed.delete(mode)
    else this.#changed.set(mode, isOn)
  }
}
