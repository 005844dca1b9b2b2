import type { Channel, SessionId } from '@krown/sdk'
import type { Connection, Context } from '../context.js'
import type { Interrupts } from '../exec/interrupts.js'
import { exitCodeOfSignal } from '../exit-codes.js'
import { isCode } from '../output/explain-error.js'
import { openSession, type TargetOptions } from '../target/open-session.js'
import { isId } from '../target/target.js'
import type { Secrets } from '../terminal/secrets.js'
import { howToComeBack, reportEnding } from './ending-report.js'
import { shellEnvironment, termOf } from './environment.js'
import { terminalSize } from './local-terminal.js'
import { sitDown } from './sit-down.js'

export interface ShellOptions extends TargetOptions {
  /** There is to be a terminal on the other side, although standard input is none. */
  readonly tty?: boolean
  readonly term?: string
  /** Undefined: there are no escapes. */
  readonly escape?: string | undefined
}

export interface ShellJobParts {
  readonly context: Context
  readonly connection: Connection
  readonly secrets: Secrets
  readonly interrupts: Interrupts
  readonly options: ShellOptions
}

/** One `krown shell` with a terminal on the other side. */
export class ShellJob {
  readonly #parts: ShellJobParts

  constructor(parts: ShellJobParts) {
    this.#parts = parts
  }

  /** @param target Id of a session, or target, or [user@]host. @returns The exit code. */
  async run(target: string): Promise<number> {
    return isId(target) ? (await this.#runIn(target as SessionId)).exitCode : this.#runOn(target)
  }

  async #runOn(target: string): Promise<number> {
    const { interrupts, options } = this.#parts
    const session = await openSession(this.#parts, target, options)
    let isLeft = false
    try {
      if (interrupts.received) return exitCodeOfSignal(interrupts.received)
      const outcome = await this.#runIn(session.id)
      isLeft = outcome.isLeft
      return outcome.exitCode
    } catch (error) {
      // What runs there is out of reach, and may go on.
      isLeft = isCode(error, 'CONNECTION_LOST')
      throw error
    } finally {
      if (!isLeft) await this.#close(session.id)
    }
  }

  async #runIn(sessionId: SessionId): Promise<{ exitCode: number; isLeft: boolean }> {
    const { context, connection, secrets, interrupts, options } = this.#parts
    const shell = await this.#open(sessionId)
    // From here on the keys are the shell's, and so are the signals.
    secrets[Symbol.dispose]()
    interrupts[Symbol.dispose]()
    const { client } = connection
    const sat = sitDown({ context, client }, shell.id, {
      isNew: true,
      input: secrets.input,
      escapeCharacter: options.escape,
    })
    const ending = await sat.catch((error) => this.#sayHowToComeBack(error, shell))
    const exitCode = await reportEnding(context.output, shell, ending)
    return { exitCode, isLeft: ending.command === undefined }
  }

  /** The answer to the first time may have been lost; the second finds the same shell. */
  async #open(sessionId: SessionId): Promise<Channel> {
    const { context, connection, options } = this.#parts
    const { newCommandId } = await import('@krown/sdk')
    const input = {
      sessionId,
      commandId: newCommandId(),
      term: options.term ?? termOf(context.io.env),
      env: shellEnvironment(context.io.env),
      ...terminalSize(context.io),
    }
    const open = () => connection.client.channels.openShell(input)
    return open().catch((error) => {
      if (isCode(error, 'CONNECTION_LOST')) return open()
      throw error
    })
  }

  async #sayHowToComeBack(error: unknown, shell: Channel): Promise<never> {
    if (isCode(error, 'CONNECTION_LOST')) await this.#parts.context.output.note(howToComeBack(shell))
    throw error
  }

  async #close(id: SessionId): Promise<void> {
    const { context, connection } = this.#parts
    const close = connection.client.sessions.close(id)
    await close.catch(() => context.output.note(`session ${id} could not be closed`))
  }
}
