import { usageError } from '../cli-error.js'
import type { Io } from '../io.js'
import { StandardInput } from './standard-input.js'
import { openTerminal, type Terminal } from './terminal.js'

/**
 * Where secrets come from: never the command line, which every user of the machine can read, but a terminal or, when
 * that is asked for, the first line of standard input.
 */
export class Secrets implements Disposable {
  readonly #io: Io
  readonly #fromStdin: boolean
  #terminal: Terminal | undefined
  #input: StandardInput | undefined

  constructor(io: Io, options: { passwordStdin?: boolean }) {
    this.#io = io
    this.#fromStdin = options.passwordStdin ?? false
  }

  /** What is on standard input, after the password if that was there. */
  get input(): StandardInput {
    this.#input ??= new StandardInput(this.#io.stdin)
    return this.#input
  }

  /** @param what As in "password of ada". */
  async password(what: string): Promise<string> {
    if (this.#fromStdin) return this.input.firstLine(`the ${what}`)
    return this.terminal(`the ${what}`, 'give it with --password-stdin').ask(`${capitalized(what)}: `, {
      hidden: true,
    })
  }

  /** One that was never used before: asked twice, because nobody sees what was typed. */
  async newPassword(what: string): Promise<string> {
    const password = await this.password(what)
    if (this.#fromStdin) return password
    const again = await this.terminal(what).ask('The same again: ', { hidden: true })
    if (again !== password) throw usageError('the two differ')
    return password
  }

  /** @throws CliError where there is none. */
  terminal(what: string, hint?: string): Terminal {
    this.#terminal ??= openTerminal(this.#io)
    if (!this.#terminal) throw usageError(`there is no terminal to ask for ${what}`, hint)
    return this.#terminal
  }

  [Symbol.dispose](): void {
    this.#terminal?.[Symbol.dispose]()
    this.#terminal = undefined
  }
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
