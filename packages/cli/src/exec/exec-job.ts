import type { CommandSummary, SessionId } from '@krown/sdk'
import type { Connection, Context } from '../context.js'
import { EXIT, exitCodeOfCommand, exitCodeOfSignal } from '../exit-codes.js'
import { isCode } from '../output/explain-error.js'
import { openSession, type TargetOptions } from '../target/open-session.js'
import { isId } from '../target/target.js'
import type { Secrets } from '../terminal/secrets.js'
import { ExecReport } from './exec-report.js'
import type { Interrupts } from './interrupts.js'
import { RemoteCommand } from './remote-command.js'

export interface ExecOptions extends TargetOptions {
  /** Milliseconds. */
  readonly timeout?: number
  /** Commander's form of `--no-stdin`. */
  readonly stdin: boolean
}

export interface ExecJobParts {
  readonly context: Context
  readonly connection: Connection
  readonly secrets: Secrets
  readonly interrupts: Interrupts
  readonly options: ExecOptions
}

/** One `krown exec`. */
export class ExecJob {
  readonly #parts: ExecJobParts
  readonly #report: ExecReport

  constructor(parts: ExecJobParts) {
    this.#parts = parts
    this.#report = new ExecReport(parts.context.output)
  }

  /** @param target Id of a session, or [user@]host. @returns The exit code. */
  async run(target: string, command: string): Promise<number> {
    return isId(target) ? this.#runIn(target as SessionId, command) : this.#runOn(target, command)
  }

  async #runOn(target: string, command: string): Promise<number> {
    const { context, connection, interrupts, options } = this.#parts
    const session = await openSession(this.#parts, target, options)
    try {
      await this.#report.opened(session)
      return interrupts.received
        ? exitCodeOfSignal(interrupts.received)
        : await this.#runIn(session.id, command)
    } finally {
      const close = connection.client.sessions.close(session.id)
      await close.catch(() => context.output.note(`session ${session.id} could not be closed`))
    }
  }

  async #runIn(sessionId: SessionId, command: string): Promise<number> {
    const { connection, secrets, interrupts, options } = this.#parts
    const { newCommandId } = await import('@krown/sdk')
    const remote = await RemoteCommand.start(
      { client: connection.client, report: this.#report, input: options.stdin ? secrets.input : undefined },
      { sessionId, command, timeoutMs: options.timeout, commandId: newCommandId() },
    )
    interrupts.handTo(() => void this.#cancel(remote))
    const ended = await remote.run().catch((error) => this.#abandon(error, remote))
    await this.#report.finished(ended.command)
    return ended.isIncomplete ? EXIT.execFailed : this.#exitCodeOf(ended.command)
  }

  #exitCodeOf(command: CommandSummary): number {
    const { received } = this.#parts.interrupts
    return received && command.status === 'cancelled'
      ? exitCodeOfSignal(received)
      : exitCodeOfCommand(command)
  }

  async #cancel(remote: RemoteCommand): Promise<void> {
    const { output } = this.#parts.context
    try {
      await output.note('cancelling; once more leaves the command to itself')
      await remote.cancel()
    } catch {
      await output.note(`command ${remote.id} could not be cancelled`)
    }
  }

  /** Nobody would read what it prints: unless the server is out of reach, it ends with us. */
  async #abandon(error: unknown, remote: RemoteCommand): Promise<never> {
    const isCancelled = !isCode(error, 'CONNECTION_LOST') && (await hasWorked(remote.cancel()))
    if (!isCancelled) await this.#parts.context.output.note(`command ${remote.id} may still be running`)
    throw error
  }
}

function hasWorked(work: Promise<void>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  )
}
