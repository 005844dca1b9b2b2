import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { OrgId } from '../../../src/model/ids.js'
import type { DatabasePlace } from '../../support/databases.js'

export type ChildOrder =
  | { act: 'migrate'; place: DatabasePlace }
  | { act: 'serve'; file: string }
  | { act: 'hold-write-lock'; place: DatabasePlace }
  | { act: 'append'; place: DatabasePlace; orgId: OrgId; entries: number; inFlight: number }

export type ChildReport =
  | { kind: 'ready' }
  | { kind: 'done' }
  | { kind: 'failed'; code: string; message: string }

const SCRIPT = fileURLToPath(new URL('database-child.ts', import.meta.url))

/** A real process that uses a database as another Krown would. */
export class DatabaseProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #reports: ChildReport[] = []
  readonly #closed: Promise<unknown>
  #onChange = () => {}
  #output = ''
  #ended = false

  constructor(order: ChildOrder) {
    this.#child = fork(SCRIPT, [JSON.stringify(order)], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.#child.on('message', (said: ChildReport) => {
      this.#reports.push(said)
      this.#onChange()
    })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
    this.#closed = once(this.#child, 'close').then(() => {
      this.#ended = true
      this.#onChange()
    })
  }

  /** Resolves when it is about to do its work, and waits for `go`. */
  ready(): Promise<ChildReport> {
    return this.#report(0)
  }

  go(): void {
    this.#child.send('go')
  }

  /** What it said last: `done`, or why not. */
  async outcome(): Promise<ChildReport> {
    const first = await this.#report(0)
    return first.kind === 'ready' ? this.#report(1) : first
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }

  async #report(place: number): Promise<ChildReport> {
    for (;;) {
      const said = this.#reports[place]
      if (said) return said
      if (this.#ended) throw new Error(`the process ended without a word:\n${this.#output}`)
      await new Promise<void>((resolve) => {
        this.#onChange = resolve
      })
    }
  }
}
