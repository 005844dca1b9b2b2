import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { defer } from '../../../src/base/deferred.js'
import type { KrownConfigInput } from '../../../src/config/krown-config.js'
import type { CommandStatus } from '../../../src/model/command.js'
import type { AdhocSessionInput } from '../../../src/model/open-session.js'

interface Order {
  /** Part of every command, so that no two processes send the same. */
  readonly name: string
  readonly config: KrownConfigInput
  readonly login: AdhocSessionInput
  /** How far the wall clock of the process is ahead. */
  readonly clockAheadMs: number
}

export type GatewayOrder =
  /**
   * Opens sessions and runs commands in each, `inFlight` at a time, one of which never ends, and reads along with one
   * more; until it is killed.
   */
  | (Order & { readonly act: 'stay-busy'; readonly sessions: number; readonly inFlight: number })
  /** Opens a session, runs a command, starts one that does not end, and closes. */
  | (Order & { readonly act: 'come-and-go' })

/** A command that the process was told the end of. */
export interface Answered {
  readonly id: string
  readonly status: CommandStatus
}

/** Output that a reader in the process had: so many bytes from the start of a command. */
export interface Shown {
  readonly id: string
  readonly bytes: number
}

type GatewayReport =
  | { readonly kind: 'loaded' }
  | ({ readonly kind: 'answered' } & Answered)
  | ({ readonly kind: 'shown' } & Shown)

const SCRIPT = fileURLToPath(new URL('gateway-child.mjs', import.meta.url))

/** A Krown in a real process of its own; made at once, and opened when `begin` says so. */
export class GatewayProcess implements AsyncDisposable {
  readonly answered: Answered[] = []
  /** The most of each command. */
  readonly shown = new Map<string, number>()
  readonly #child: ChildProcess
  readonly #loaded = defer<void>()
  readonly #closed: Promise<void>
  #output = ''

  constructor(order: GatewayOrder) {
    this.#child = fork(SCRIPT, [JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    this.#child.on('message', (said: GatewayReport) => this.#hear(said))
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
    this.#closed = once(this.#child, 'close').then(() => {})
  }

  /** Waits until its code is loaded, then lets it open the database. */
  async begin(): Promise<void> {
    await Promise.race([this.#loaded.promise, this.#endedEarly()])
    this.#child.send('begin')
  }

  /** Waits for `moment`, which must come while the process runs, then ends it without a warning. */
  async killAt(moment: Promise<void>): Promise<void> {
    await Promise.race([moment, this.#endedEarly()])
    this.#child.kill('SIGKILL')
    await this.#closed
    if (this.#child.signalCode !== 'SIGKILL') await this.#endedEarly()
  }

  /** Resolves when it ended by itself. */
  async exit(): Promise<{ code: number | null; output: string }> {
    await this.#closed
    return { code: this.#child.exitCode, output: this.#output }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  #hear(said: GatewayReport): void {
    if (said.kind === 'loaded') this.#loaded.resolve()
    else if (said.kind === 'answered') this.answered.push(said)
    else this.shown.set(said.id, said.bytes)
  }

  async #endedEarly(): Promise<never> {
    await this.#closed
    throw new Error(`the process ended by itself:\n${this.#output}`)
  }
}
