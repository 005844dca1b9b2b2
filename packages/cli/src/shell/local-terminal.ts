import { spawnSync } from 'node:child_process'
import { writeSync } from 'node:fs'
import type { TerminalSize } from '@krown/sdk'
import type { Io } from '../io.js'
import { ScreenModes } from './screen-modes.js'
import { TerminalGuard } from './terminal-guard.js'

const FALLBACK: TerminalSize = { columns: 80, rows: 24 }
/** Ends of this process that leave time for one last thing. */
const ENDS = ['exit', 'uncaughtExceptionMonitor'] as const

/**
 * The terminal that krown was started on while a program elsewhere has it: every key and every byte passes as it is.
 * It gets its settings and screen back on every way out.
 */
export class LocalTerminal implements Disposable {
  readonly #io: Io
  readonly #modes = new ScreenModes()
  readonly #guard: TerminalGuard | undefined
  readonly #restore = () => this[Symbol.dispose]()
  readonly #resume = () => this.#begin()
  readonly #settings: string[]
  #isOurs = true

  /**
   * @param io Its standard input is a terminal.
   * @param output `exact` for a program that has a terminal itself; `lines` for one whose lines end with a newline only.
   */
  constructor(io: Io, output: 'exact' | 'lines') {
    this.#io = io
    this.#settings = output === 'exact' ? ['raw', '-echo'] : ['raw', '-echo', 'opost', 'onlcr']
    const before = settingsOf(io)
    this.#begin()
    const ours = settingsOf(io)
    if (before !== undefined && ours !== undefined) this.#guard = new TerminalGuard({ ours, before })
    this.#guard?.remember(this.#modes.reset)
    for (const end of ENDS) process.on(end, this.#restore)
    // Whoever stopped us had the terminal meanwhile.
    process.on('SIGCONT', this.#resume)
  }

  /** What goes to the screen has to pass by here, so that it can be taken back. */
  follow(output: Uint8Array): void {
    if (this.#modes.follow(output)) this.#guard?.remember(this.#modes.reset)
  }

  [Symbol.dispose](): void {
    if (!this.#isOurs) return
    this.#isOurs = false
    for (const end of ENDS) process.off(end, this.#restore)
    process.off('SIGCONT', this.#resume)
    attempt(() => this.#io.stdin.setRawMode(false))
    if (this.#io.stdout.isTTY) attempt(() => writeSync(this.#io.stdout.fd, this.#modes.reset))
    this.#guard?.[Symbol.dispose]()
  }

  #begin(): void {
    // Node's raw mode still makes two characters of a newline, which moves the cursor of programs that use all of a
    // screen.
    attempt(() => this.#io.stdin.setRawMode(false).setRawMode(true))
    stty(this.#io, this.#settings)
  }
}

/** How large the terminal is that the output goes to. */
export function terminalSize({ stdout, stderr }: Io): TerminalSize {
  const screen = [stdout, stderr].find(({ isTTY }) => isTTY)
  // Some terminals have no size: 0.
  return screen?.columns ? { columns: screen.columns, rows: screen.rows || FALLBACK.rows } : FALLBACK
}

function settingsOf(io: Io): string | undefined {
  return stty(io, ['-g'])?.trim()
}

function stty({ platform }: Io, args: string[]): string | undefined {
  if (platform === 'win32') return undefined
  const { status, stdout } = spawnSync('stty', args, {
    stdio: ['inherit', 'pipe', 'ignore'],
    encoding: 'utf8',
  })
  return status === 0 ? stdout : undefined
}

/** The terminal may be gone: then there is nothing to restore. */
function attempt(work: () => unknown): void {
  try {
    work()
  } catch {}
}
