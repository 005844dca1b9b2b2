import type {
  Command,
  CommandOutputEvent,
  CommandStream,
  CommandSummary,
  OutputChunk,
} from '@krown/core/model'
import { KrownClientError } from '../errors/errors.js'
import { type CommandCalls, toSummary } from '../http/calls.js'
import type { Feed } from './feed.js'

export interface StartedStream {
  readonly command: Command
  readonly feed: Feed<unknown, CommandOutputEvent>
  readonly calls: CommandCalls
  cancel(): Promise<Command>
}

/** A streamed command as its starter holds it. */
export class SdkCommandStream implements CommandStream {
  readonly #started: StartedStream
  #finished: CommandSummary | undefined
  #result: Promise<CommandSummary> | undefined

  constructor(started: StartedStream) {
    this.#started = started
  }

  get commandId() {
    return this.#started.command.id
  }

  // Made when it is asked for: a promise that nobody looks at must not end the process when it rejects.
  get result(): Promise<CommandSummary> {
    this.#result ??= this.#untilEnded().catch((error) => {
      // Who asks again later may have an answer.
      this.#result = undefined
      throw error
    })
    return this.#result
  }

  write(data: string | Uint8Array): Promise<void> {
    return this.#started.calls.write(this.commandId, data)
  }

  closeStdin(): Promise<void> {
    return this.#started.calls.closeStdin(this.commandId)
  }

  cancel(): Promise<Command> {
    return this.#started.cancel()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OutputChunk> {
    const { feed } = this.#started
    try {
      for (let event = await feed.next(); event; event = await feed.next()) {
        if (event.type === 'gap') throw lostOutput(event)
        if (event.type === 'finished') {
          this.#finished = event.command
          return
        }
        yield { stream: event.stream, data: event.data, offset: event.offset }
      }
    } finally {
      feed.stop()
    }
  }

  async #untilEnded(): Promise<CommandSummary> {
    if (this.#finished) return this.#finished
    const { command, calls } = this.#started
    return toSummary(await calls.untilEnded(command))
  }
}

function lostOutput({ fromOffset, toOffset }: { fromOffset: number; toOffset: number }): KrownClientError {
  return new KrownClientError('READER_TOO_SLOW', 'output before this point is no longer held', {
    kind: 'limit_exceeded',
    details: { fromOffset, toOffset },
  })
}
