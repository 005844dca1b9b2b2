import type { CommandId, CommandSummary, RemoteKrownClient, StartCommandInput } from '@krown/sdk'
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
  readonly #id: CommandId
  /** End of what was printed here. */
  #after = 0
  #inputFailure: unknown
  /** Some of the output was not read in time. */
  #isIncomplete = false

  private constructor(parts: RemoteCommandParts, id: CommandId) {
    this.#parts = parts
    this.#id = id
  }

  /** @param input.commandId Makes it safe to ask twice: the answer to the first may have been lost. */
  static async start(
    parts: RemoteCommandParts,
    input: StartCommandInput & { commandId: CommandId },
  ): Promise<RemoteCommand> {
    const { client, report } = parts
    const start = () =>
      client.commands.start({ ...input, streamed: true, stdinOpen: parts.input !== undefined })
    const command = await start().catch((error) => {
      if (isCode(error, 'CONNECTION_LOST')) return start()
      throw error
    })
    await report.started(command)
    return new RemoteCommand(parts, command.id)
  }

  get id(): CommandId {
    return this.#id
  }

  /** The target may have the command ended already: that is fine. */
  async cancel(): Promise<void> {
    await this.#parts.client.commands.cancel(this.#id)
  }

  /** Passes input and output until the command has ended. */
  async run(): Promise<{ command: CommandSummary; isIncomplete: boolean }> {
    const { input } = this.#parts
    // Whoever types may never end: only the command decides when it is over.
    if (input) void this.#passInput(input)
    const command = await this.#passOutput()
    if (this.#inputFailure !== undefined) throw this.#inputFailure
    return { command, isIncomplete: this.#isIncomplete }
  }

  async #passInput(input: AsyncIterable<Uint8Array>): Promise<void> {
    const { commands } = this.#parts.client
    try {
      for await (const chunk of input) await commands.write(this.#id, chunk)
      await commands.closeStdin(this.#id)
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
        for await (const event of this.#parts.client.commands.output(this.#id, { after: this.#after })) {
          if (event.type === 'finished') return event.command
          await this.#pass(event)
        }
      } catch (error) {
        // Our own reader took too long; the command went on meanwhile.
        if (!isCode(error, 'READER_TOO_SLOW')) throw error
      }
    }
  }

  async #pass(event: OutputOrGap): Promise<void> {
    const isGap = event.type === 'gap'
    this.#after = isGap ? event.toOffset : event.offset + event.data.length
    this.#isIncomplete ||= isGap
    await this.#parts.report.output(event)
  }
}
