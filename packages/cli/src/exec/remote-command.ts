import type { Command, CommandId, CommandSummary, RemoteKrownClient, StartCommandInput } from '@krown/sdk'
import { CliError } from '../cli-error.js'
import { EXIT } from '../exit-codes.js'
import { isCode } from '../output/explain-error.js'
import type { ExecReport, OutputOrGap } from './exec-report.js'

export interface RemoteCommandParts {
  readonly client: RemoteKrownClient
  readonly report: ExecReport
  /** What the command reads; undefined: nothing. */
  readonly input: AsyncIterable<Uint8Array> | undefined
}

/** One command on a session, with both ends of it: what it reads comes from here, what it prints goes out here. */
export class RemoteCommand {
  readonly #parts: RemoteCommandParts
  /** As it was when it started. */
  readonly #command: Command
  /** End of what was printed here. */
  #after = 0
  #inputFailure: unknown
  /** Some of the output was not read in time. */
  #isIncomplete = false

  private constructor(parts: RemoteCommandParts, command: Command) {
    this.#parts = parts
    this.#command = command
  }

  /** @param input.commandId Makes it safe to ask twice: the answer to the first may have been lost. */
  static async start(
    parts: RemoteCommandParts,
    input: StartCommandInput & { commandId: CommandId },
  ): Promise<RemoteCommand> {
    const { client } = parts
    const start = () =>
      client.commands.start({ ...input, streamed: true, stdinOpen: parts.input !== undefined })
    const command = await start().catch((error) => {
      if (isCode(error, 'CONNECTION_LOST')) return start()
      throw error
    })
    return new RemoteCommand(parts, command)
  }

  get id(): CommandId {
    return this.#command.id
  }

  /** The target may have the command ended already: that is fine. */
  async cancel(): Promise<void> {
    await this.#parts.client.commands.cancel(this.id)
  }

  /** Passes input and output until the command has ended. */
  async run(): Promise<{ command: CommandSummary; isIncomplete: boolean }> {
    const { input, report } = this.#parts
    await report.started(this.#command)
    // Whoever types may never end: only the command decides when it is over.
    if (input) void this.#passInput(input)
    const command = await this.#passOutput()
    if (this.#inputFailure !== undefined) throw this.#inputFailure
    return { command, isIncomplete: this.#isIncomplete }
  }

  async #passInput(input: AsyncIterable<Uint8Array>): Promise<void> {
    const { commands } = this.#parts.client
    try {
      for await (const chunk of input) await commands.write(this.id, chunk)
      await commands.closeStdin(this.id)
    } catch (error) {
      // A command need not read all that it is given.
      if (isCode(error, 'CONFLICT')) return
      this.#inputFailure = error
      await this.cancel().catch(() => undefined)
    }
  }

  async #passOutput(): Promise<CommandSummary> {
    for (;;) {
      try {
        for await (const event of this.#parts.client.commands.output(this.id, { after: this.#after })) {
          if (event.type === 'finished') return event.command
          await this.#pass(event)
        }
        throw await this.#endedWithoutWord()
      } catch (error) {
        // Our own reader took too long; the command went on meanwhile.
        if (!isCode(error, 'READER_TOO_SLOW')) throw error
      }
    }
  }

  /** The output ended, but not by the end of the command: reading it again might end the same way for ever. */
  async #endedWithoutWord(): Promise<CliError> {
    const { status } = await this.#parts.client.commands.get(this.id)
    const message = `the output ended before the end of the command was told, which is ${status}`
    return new CliError(message, EXIT.execFailed)
  }

  async #pass(event: OutputOrGap): Promise<void> {
    const isGap = event.type === 'gap'
    this.#after = isGap ? event.toOffset : event.offset + event.data.length
    this.#isIncomplete ||= isGap
    await this.#parts.report.output(event)
  }
}
