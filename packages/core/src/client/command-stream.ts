import { KrownError } from '../errors/krown-error.js'
import type { Actor } from '../model/actor.js'
import type { CommandStream, OutputChunk } from '../model/krown-client.js'
import { type CommandService, readToEnd, type StreamedCommand } from '../sessions/command-service.js'

/** A streamed command as its starter holds it. */
export function toCommandStream(
  commands: CommandService,
  actor: Actor,
  { command, reader }: StreamedCommand,
): CommandStream {
  const { id } = command
  return {
    commandId: id,
    result: command.done.then(() => command.toSummary()),
    write: (data) => commands.write(actor, id, typeof data === 'string' ? Buffer.from(data, 'utf8') : data),
    closeStdin: () => commands.closeStdin(actor, id),
    cancel: () => commands.cancel(actor, id),
    [Symbol.asyncIterator]: () => chunksOf(readToEnd(command, reader)),
  }
}

/** Chunks alone; a driver has no gaps unless it came back to a command it had left. */
async function* chunksOf(events: ReturnType<typeof readToEnd>): AsyncGenerator<OutputChunk> {
  for await (const event of events) {
    if (event.type === 'output') yield { stream: event.stream, data: event.data, offset: event.offset }
    if (event.type === 'gap') {
      throw new KrownError('READER_TOO_SLOW', 'output before this point is no longer held', {
        details: { fromOffset: event.fromOffset, toOffset: event.toOffset },
      })
    }
  }
}
