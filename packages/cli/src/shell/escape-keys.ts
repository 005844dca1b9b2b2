/** What somebody asked of krown itself, by an escape. */
export type EscapeRequest = 'end' | 'leave' | 'help'

/** Keys for the other side, or a request. */
export type Typed =
  | { readonly keys: Uint8Array; readonly request?: never }
  | { readonly keys?: never; readonly request: EscapeRequest }

const REQUESTS: Readonly<Record<string, EscapeRequest>> = { '.': 'end', d: 'leave', '?': 'help' }
const ENDS_LINE = new Set([0x0a, 0x0d])

/** Finds in what is typed the escapes of ssh(1): the character at the beginning of a line, then another. */
export class EscapeKeys {
  readonly #escape: number | undefined
  #atLineStart = true
  #isPending = false

  /** @param character One ASCII character; undefined: there are none, and all goes to the other side. */
  constructor(character: string | undefined) {
    this.#escape = character?.charCodeAt(0)
  }

  /** What `chunk` means, in order; a split escape is waited for. */
  take(chunk: Uint8Array): Typed[] {
    if (this.#escape === undefined) return [{ keys: chunk }]
    const typed: Typed[] = []
    let keys: number[] = []
    for (const key of chunk) {
      const request = this.#press(key, keys)
      if (request === undefined) continue
      if (keys.length > 0) typed.push({ keys: Uint8Array.from(keys) })
      typed.push({ request })
      keys = []
    }
    return keys.length > 0 ? [...typed, { keys: Uint8Array.from(keys) }] : typed
  }

  #press(key: number, keys: number[]): EscapeRequest | undefined {
    if (this.#isPending) {
      this.#isPending = false
      const request = REQUESTS[String.fromCharCode(key)]
      // Where the escape stood a line still begins: another may follow.
      if (request !== undefined) return request
      if (key !== this.#escape) keys.push(this.#escape ?? key)
    } else if (this.#atLineStart && key === this.#escape) {
      this.#isPending = true
      return undefined
    }
    this.#atLineStart = ENDS_LINE.has(key)
    keys.push(key)
    return undefined
  }
}

/** What `~?` shows; the lines end as a raw terminal needs it. */
export function escapeHelp(key: string): string {
  const lines = [
    `${key}.   end the shell`,
    `${key}d   leave; the shell runs on`,
    `${key}?   this`,
    `${key}${key}   send ${key}`,
  ]
  const title = 'Supported escape sequences, at the beginning of a line:'
  return [title, ...lines.map((line) => `  ${line}`)].join('\r\n')
}
