import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createTempDir, type TempDir, waitFor } from '@krown/testkit'
import { runProcess } from '@krown/testkit/child-process'

export const hasTmux = spawnSync('tmux', ['-V']).status === 0

/** A terminal with a screen, of its own, whose programs are typed into and looked at. */
export class Pane {
  readonly #tmux: (...args: string[]) => Promise<string>
  readonly #name: string

  constructor(tmux: (...args: string[]) => Promise<string>, name: string) {
    this.#tmux = tmux
    this.#name = name
  }

  /** As it is, without names of keys. */
  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-t', this.#name, '-l', text)
  }

  /** Keys by their names in tmux: `Enter`, `C-c`, `Escape`. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', '-t', this.#name, ...keys)
  }

  async run(line: string): Promise<void> {
    await this.type(line)
    await this.press('Enter')
  }

  /** What stands there; with colours as escape sequences where they are wanted. */
  async screen({ colours = false } = {}): Promise<string> {
    return (await this.#tmux('capture-pane', '-p', '-t', this.#name, ...(colours ? ['-e'] : []))).trimEnd()
  }

  async shows(text: string | RegExp): Promise<void> {
    let screen = ''
    const isThere = async () => {
      screen = await this.screen()
      return typeof text === 'string' ? screen.includes(text) : text.test(screen)
    }
    await waitFor(isThere, { what: String(text), timeoutMs: 10_000 }).catch((error) => {
      throw new Error(`${error.message}; the screen:\n${screen}`)
    })
  }

  /** A format of tmux: `#{alternate_on}`. */
  async value(format: string): Promise<string> {
    return (await this.#tmux('display-message', '-p', '-t', this.#name, format)).trim()
  }

  async becomes(format: string, value: string): Promise<void> {
    await waitFor(async () => (await this.value(format)) === value, { what: `${format} of ${value}` })
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-t', this.#name, '-x', String(columns), '-y', String(rows))
  }
}

/** A server of tmux with nobody's settings. */
export class Tmux implements AsyncDisposable {
  readonly #directory: TempDir
  readonly #env: NodeJS.ProcessEnv
  #panes = 0

  private constructor(directory: TempDir, env: NodeJS.ProcessEnv) {
    this.#directory = directory
    this.#env = env
  }

  static async start(): Promise<Tmux> {
    const directory = await createTempDir()
    return new Tmux(directory, { PATH: process.env.PATH, HOME: directory.path, TMUX_TMPDIR: directory.path })
  }

  /** One with a shell in it that shows `$ `. */
  async open({ columns = 80, rows = 24, env = {} as NodeJS.ProcessEnv } = {}): Promise<Pane> {
    const name = `pane${++this.#panes}`
    const set = Object.entries({ LANG: 'C.UTF-8', ENV: '', ...env }).flatMap(([key, value]) => [
      '-e',
      `${key}=${value}`,
    ])
    const size = ['-x', String(columns), '-y', String(rows)]
    const options = ['set', '-g', 'default-terminal', 'screen-256color', ';', 'set', '-g', 'escape-time', '0']
    const shell = ['new-session', '-d', '-s', name, ...size, ...set, 'bash --norc --noprofile']
    await this.#run(['start-server', ';', ...options, ';', ...shell])
    const pane = new Pane((...args) => this.#run(args), name)
    await pane.shows(/[$#]$/m)
    await pane.run("PS1='$ '; clear")
    await pane.shows(/^\$$/m)
    return pane
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#panes > 0) await this.#run(['kill-server']).catch(() => undefined)
    await this.#directory.stop()
  }

  #run(args: string[]): Promise<string> {
    const place = ['-u', '-f', '/dev/null', '-S', join(this.#directory.path, 'socket')]
    return runProcess({ command: 'tmux', args: [...place, ...args], options: { env: this.#env } })
  }
}
