import { isUtf8 } from 'node:buffer'
import type { Command, CommandOutputEvent, CommandSummary, Session } from '@krown/sdk'
import type { Output } from '../output/output.js'

export type OutputOrGap = Exclude<CommandOutputEvent, { type: 'finished' }>

/** What is told of a command while it runs: its bytes as they are, or one line of JSON for each event. */
export class ExecReport {
  readonly #output: Output

  constructor(output: Output) {
    this.#output = output
  }

  async opened(session: Session): Promise<void> {
    if (this.#output.json) await this.#event({ type: 'session', session })
  }

  async started(command: Command): Promise<void> {
    if (!this.#output.json) return
    const { id: commandId, sessionId, startedAt } = command
    await this.#event({ type: 'started', commandId, sessionId, startedAt })
  }

  async output(event: OutputOrGap): Promise<void> {
    if (event.type === 'gap') {
      const { fromOffset, toOffset } = event
      if (this.#output.json) return this.#event({ type: 'gap', fromOffset, toOffset })
      return this.#output.note(
        `${toOffset - fromOffset} bytes of output are lost: they were not read in time`,
      )
    }
    const { stream, data, offset } = event
    if (!this.#output.json) return this.#output.bytes(stream, data)
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    const encoding = isUtf8(bytes) ? 'utf8' : 'base64'
    await this.#event({ type: 'output', stream, offset, data: bytes.toString(encoding), encoding })
  }

  async finished(command: CommandSummary): Promise<void> {
    if (this.#output.json) return this.#event({ type: 'finished', command })
    const text = endOf(command)
    if (text !== undefined) await this.#output.note(text)
  }

  #event(event: object): Promise<void> {
    return this.#output.item(event, () => '')
  }
}

/** Undefined where the exit code of the command says it all. */
function endOf({ status, signal, errorCode, killed, id }: CommandSummary): string | undefined {
  const unsure = killed === 'unconfirmed' ? '; whether it ended on the target is not known' : ''
  if (status === 'completed') return signal === null ? undefined : `the command was ended by SIG${signal}`
  if (status === 'timed_out') return `the command took too long and was ended${unsure}`
  if (status === 'cancelled') {
    const why = errorCode === 'FORBIDDEN' ? ' because access to the target ended' : ''
    return `the command was cancelled${why}${unsure}`
  }
  if (status === 'interrupted') return `the connection was lost while the command ran (${errorCode}): ${id}`
  return `the command did not run (${errorCode ?? status})`
}
